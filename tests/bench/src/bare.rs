//! The floor: the same server, a route that checks nothing, none of our headers.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::http::header::ContentType;
use actix_web::{App, HttpResponse, HttpServer, web};

/// Serves `body` on a free port, with the settings of the public port, until it is killed.
pub(crate) fn serve(body: &str) -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let body = web::Bytes::copy_from_slice(body.as_bytes());
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(move || {
            let body = body.clone();
            let answer = move || {
                let body = body.clone();
                async move {
                    HttpResponse::Ok()
                        .content_type(ContentType::json())
                        .body(body)
                }
            };
            App::new().route("/v1/account", web::get().to(answer))
        })
        .workers(1)
        .backlog(1_024)
        .keep_alive(Duration::from_secs(75))
        .client_request_timeout(Duration::from_secs(5))
        .client_disconnect_timeout(Duration::from_secs(1))
        .listen(listener)?
        .run();
        println!("listening on http://{address}");
        server.await
    })
}
