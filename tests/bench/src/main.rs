//! The load bench: ours, a bare route and other gateways, interleaved in one run. See docs/PERFORMANCE.md.

mod bare;
mod generator;
mod population;
mod process;
mod report;
mod revoke;
mod servers;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use generator::Load;
use report::Series;
use servers::{Kind, Place, Server, get};

/// Measures requests per second, CPU time, delays and memory, as ratios to a bare route of the same run
#[derive(Parser)]
struct Args {
    /// What is measured [default: all of bare, process, power, nginx, haproxy]
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Leave out nginx and HAProxy
    #[arg(long)]
    no_peers: bool,
    /// Rounds: in each one every variant has its turn
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// Seconds of one turn
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Keys, drawn at random for each request
    #[arg(long, default_value_t = 1_000)]
    keys: usize,
    /// Another build of torvus-api, to be measured beside this one with durability `process`
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// Only see that everything runs: few keys, short turns, no nginx and no HAProxy
    #[arg(long)]
    smoke: bool,
    /// Where the figures go as JSON
    #[arg(long, default_value = "target/bench/load.json")]
    out: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the bare route
    #[command(hide = true)]
    ServeBare { body: String },
    /// Measure how long a revoke takes until it is true everywhere
    Revoke {
        /// How many, idle and under load each
        #[arg(long, default_value_t = 500)]
        count: usize,
        /// How many keep the server busy
        #[arg(long, default_value_t = 32)]
        connections: usize,
    },
}

/// What is measured with how many connections.
const VARIANTS: [(Kind, usize); 8] = [
    (Kind::Bare, 64),
    (Kind::Process, 64),
    (Kind::Other, 64),
    (Kind::Power, 64),
    (Kind::Nginx, 64),
    (Kind::Haproxy, 64),
    (Kind::Bare, 256),
    (Kind::Power, 256),
];

fn main() -> ExitCode {
    let mut args = Args::parse();
    match &args.command {
        Some(Command::ServeBare { body }) => {
            bare::serve(body).unwrap();
            return ExitCode::SUCCESS;
        }
        Some(Command::Revoke { count, connections }) => {
            revoke::run(*count, *connections);
            return ExitCode::SUCCESS;
        }
        None => {}
    }
    if args.smoke {
        (args.keys, args.rounds, args.seconds, args.no_peers) = (20, 1, 0.8, true);
        println!("smoke: nginx and HAProxy are left out, and the figures mean nothing");
    }
    let series = measure(&args);
    report::print(&series);
    report::write(&args.out, &series);
    println!("{}", args.out.display());
    match report::complaints(&series) {
        complaints if complaints.is_empty() => ExitCode::SUCCESS,
        complaints => {
            eprintln!("not sound: {}", complaints.join("; "));
            ExitCode::FAILURE
        }
    }
}

fn measure(args: &Args) -> Vec<Series> {
    let folder = tempfile::Builder::new()
        .prefix("torvus-bench-")
        .tempdir()
        .unwrap();
    let folder = folder.path();
    // Servers have the first core, the generator has the second.
    let two = process::cores() > 1;
    if !two {
        println!("one core only: server and generator share it");
    }
    println!("making {} keys", args.keys);
    let keys = population::create(&folder.join("process"), args.keys);
    for copy in [Kind::Power, Kind::Other] {
        population::copy(&folder.join("process"), &folder.join(copy.data()));
    }
    population::write_maps(folder, &keys);
    let requests = population::requests(&keys);
    let mut place = Place {
        folder,
        core: two.then_some(0),
        body: "",
        other: args.against.as_deref(),
    };

    // The bare route answers what ours does.
    let body = {
        let ours = place.start(Kind::Process);
        let bearer = format!("Authorization: Bearer {}\r\n", keys[0].token);
        let answer = get(ours.address, "/v1/account", &bearer);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        answer.split_once("\r\n\r\n").unwrap().1.to_owned()
    };
    place.body = &body;

    let chosen: Vec<(Kind, usize)> = VARIANTS
        .into_iter()
        .filter(|(kind, _)| !args.no_peers || !matches!(kind, Kind::Nginx | Kind::Haproxy))
        .filter(|(kind, _)| *kind != Kind::Other || args.against.is_some())
        .filter(|(kind, _)| {
            let wanted = |name: &String| kind.name().split(' ').any(|word| word == name);
            args.only.is_empty() || *kind == Kind::Bare || args.only.iter().any(wanted)
        })
        .collect();
    let mut servers: Vec<Turns> = Vec::new();
    for (kind, _) in &chosen {
        if !servers.iter().any(|turns| turns.server.kind == *kind) {
            let server = place.start(*kind);
            servers.push(Turns {
                server,
                requests: 0,
            });
        }
    }
    let mut series: Vec<Series> = chosen
        .iter()
        .map(|(kind, connections)| Series::new(*kind, *connections))
        .collect();

    let window = Duration::from_secs_f64(args.seconds);
    let load = |connections, rate| Load {
        connections,
        requests: &requests,
        ramp: window.min(Duration::from_millis(500)) / 2,
        window,
        rate,
        core: two.then_some(1),
    };
    let plain: Vec<Load<'_>> = series.iter().map(|s| load(s.connections, None)).collect();
    // The first round warms up, and is not counted.
    for round in 0..=args.rounds {
        for turn in 0..series.len() {
            let place = (turn + round) % series.len();
            let series = &mut series[place];
            let turns = servers.iter_mut().find(|t| t.server.kind == series.kind);
            let turn = turns.unwrap().take(&plain[place]);
            if round > 0 {
                series.full.push(turn);
            }
        }
        eprintln!("round {round} of {}", args.rounds);
    }
    for _ in 0..args.rounds {
        for series in &mut series {
            let rate = report::median(series.full.iter().map(|turn| turn.per_second)) / 2.0;
            let turns = servers.iter_mut().find(|t| t.server.kind == series.kind);
            let half = load(series.connections, Some(rate));
            series.half.push(turns.unwrap().take(&half));
        }
    }
    for series in &mut series {
        let turns = servers.iter().find(|t| t.server.kind == series.kind);
        series.rss = process::rss(turns.unwrap().server.pid());
    }
    series
}

/// A server, and how many requests it has had.
struct Turns {
    server: Server,
    requests: usize,
}

impl Turns {
    /// Sends it a load, and waits until all of it is indexed: it must not go on in another's turn.
    fn take(&mut self, load: &Load<'_>) -> report::Turn {
        let pid = self.server.pid();
        let before = process::cpu(pid);
        let outcome = generator::run(self.server.address, load, &|| process::cpu(pid));
        self.requests += outcome.total;
        self.server.wait_until_indexed(self.requests);
        report::Turn::new(&outcome, process::cpu(pid) - before)
    }
}
