//! What `ipvsadm -L -n` prints, made comparable.

/// Each row of a listing with the service it belongs to, sorted: the kernel lists in an order of its own. The two lines
/// of headings are left out; `columns` words of a server's row count: the numbers of connections are chance.
pub(crate) fn rows(listing: &str, columns: usize) -> Vec<String> {
    let mut service = String::new();
    let mut rows = Vec::new();
    for line in listing.lines().filter(|line| !heading(line)) {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.first() == Some(&"->") {
            let known = words.iter().take(columns).copied().collect::<Vec<_>>();
            rows.push(format!("{service} {}", known.join(" ")));
        } else {
            service = words.join(" ");
            rows.push(service.clone());
        }
    }
    rows.sort();
    rows
}

fn heading(line: &str) -> bool {
    ["IP Virtual Server", "Prot ", "  -> RemoteAddress:Port", "                                "]
        .iter()
        .any(|head| line.starts_with(head))
}
