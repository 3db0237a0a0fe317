//! mariadb and postgresql.

use std::net::SocketAddr;
use std::path::Path;

use crate::battery::Battery;
use crate::check::{must_be_down, must_be_up, probe, wait_until_up};
use crate::place::{HOME, Place, play};

const MARIADB: (&str, &str) = ("/usr/sbin/mariadbd", "mariadb-server-core");
const POSTGRES: (&str, &str) = ("/usr/lib/postgresql/15/bin/postgres", "postgresql-15");

/// Small: it lives in memory.
const MARIADB_OPTIONS: &str = "--no-defaults --datadir=/mnt/s/maria --user=nobody --log-warnings=0 \
    --innodb-buffer-pool-size=16M --innodb-log-file-size=4M --innodb-data-file-path=ibdata1:4M:autoextend \
    --innodb-temp-data-file-path=ibtmp1:4M:autoextend --socket=/mnt/s/maria/socket";

const TABLES: &str = "\
create database d;
create table d.t (a int);
insert into d.t values (1),(2);
create table d.e (a int);
create user 'tester'@'%' identified by 'se cret';
grant select on d.* to 'tester'@'%';
";

fn start_mariadb(place: &Place) {
    let mut once = String::new();
    if !Path::new(&format!("{HOME}/maria")).exists() {
        let tables = place.write("tables.sql", TABLES);
        place.write("boot.sql", "create database mysql;\nuse mysql;\nset @auth_root_socket=null;\n");
        place.script(&format!(
            "mkdir maria; chown nobody maria
             cat /usr/share/mysql/mysql_system_tables.sql /usr/share/mysql/mysql_system_tables_data.sql >>boot.sql
             mariadbd {MARIADB_OPTIONS} --bootstrap --skip-grant-tables <boot.sql"
        ));
        once = format!("--init-file={tables}");
    }
    // The many bad clients of the battery must not have the good one shut out.
    let lenient = "--max-connect-errors=1000000";
    place.start(&format!("mariadbd {MARIADB_OPTIONS} --port=3306 {lenient} {once}"));
}

#[test]
fn mysql() {
    play("databases::mysql", &[MARIADB], |place| {
        start_mariadb(place);
        story(place, "mysql", 3306, "d", &start_mariadb);
    });
}

const AS_NOBODY: &str = "setpriv --reuid=nobody --regid=nogroup --clear-groups";

fn start_postgres(place: &Place) {
    let programs = "/usr/lib/postgresql/15/bin";
    if !Path::new(&format!("{HOME}/pg")).exists() {
        place.write("password", "se cret");
        place.write(
            "pg.sql",
            "create table t (a int);\ninsert into t values (1),(2);\ncreate table e (a int);\n",
        );
        place.script(&format!(
            "mkdir pg; chown nobody pg
             {AS_NOBODY} {programs}/initdb -D /mnt/s/pg -U tester --auth=scram-sha-256 --pwfile=/mnt/s/password \
                 --no-sync --no-locale -E UTF8
             {AS_NOBODY} {programs}/postgres --single -D /mnt/s/pg postgres <pg.sql
             printf 'host all all 0.0.0.0/0 scram-sha-256\\nhost all all ::/0 scram-sha-256\\n' >>pg/pg_hba.conf"
        ));
    }
    place.script("rm -f pg/postmaster.pid");
    place.start(&format!(
        "{AS_NOBODY} {programs}/postgres -D /mnt/s/pg -c listen_addresses='*' -c unix_socket_directories=/mnt/s/pg \
         -c fsync=off -c shared_buffers=8MB -p 5432"
    ));
}

#[test]
fn pgsql() {
    play("databases::pgsql", &[POSTGRES], |place| {
        start_postgres(place);
        story(place, "pgsql", 5432, "postgres", &start_postgres);
    });
}

fn story(place: &Place, service: &str, port: u16, database: &str, start: &dyn Fn(&Place)) {
    let at = SocketAddr::from(([127, 0, 0, 1], port));
    let user = |login: &str, passwd: &str| format!("login=\"{login}\"\npasswd=\"{passwd}\"");
    let lines = |request: &str| {
        format!(
            "service={service}\ndatabase=\"{database}\"\n{}\nrequest=\"{request}\"",
            user("tester", "se cret")
        )
    };
    let right = lines("select a from t");
    wait_until_up("the database", &probe(at, &right));
    must_be_up("a constant", &probe(at, &lines("select 1")));
    must_be_up("IPv6", &probe(SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port)), &right));
    let elsewhere = right.replace(&format!("\"{database}\""), "\"elsewhere\"");
    must_be_down("no such database", &probe(at, &elsewhere));
    must_be_down("no such user", &probe(at, &right.replace("tester", "nobody")));
    must_be_down("not ours to change", &probe(at, &lines("select nonsense(")));
    let wrong = [
        ("no rows", lines("select a from e")),
        ("no such table", lines("select a from missing")),
        ("a wrong password", right.replace("se cret", "secret")),
    ];
    let wrong: Vec<_> = wrong.iter().map(|(what, lines)| (*what, lines.as_str())).collect();
    Battery { place, right: &right, wrong: &wrong, at, udp: false, start }.run();
}
