#!/bin/sh
# Every verb of an init script, every action of an OCF agent, in every state; what each returns, one a line.
#   course.sh init|ocf SCRIPT
# Played with Debian's scripts and the Perl program to record, and with ours. Run it in a guest only.
set -u
kind=$1 script=$2
state=

good='checkinterval=1
virtual=10.7.0.100:80
        real=10.7.0.1:80 gate
        checktype=on
'
OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE=ldir OCF_RESOURCE_TYPE=ldirectord OCF_RESOURCE_PROVIDER=heartbeat
OCF_RESKEY_ldirectord=/usr/sbin/ldirectord
HA_LOGFACILITY=none
export OCF_ROOT OCF_RESOURCE_INSTANCE OCF_RESOURCE_TYPE OCF_RESOURCE_PROVIDER OCF_RESKEY_ldirectord HA_LOGFACILITY

# ask VERB: numbers differ, and what an agent prints is its own affair
ask() {
    out=$(timeout 60 "$script" "$1" 2>/dev/null)
    code=$?
    [ "$kind" = init ] || out=
    printf '%s: %s: %s%s\n' "$state" "$1" "$code" "$(printf '%s' "${out:+ $out}" | tr '\n' ' ')"
}

# settled CONFIG runs|ended: the verb returned, and what it was about is so. The reference takes its time.
settled() {
    for _ in $(seq 100); do
        if /usr/sbin/ldirectord "$1" status >/dev/null 2>&1; then now=runs; else now=ended; fi
        [ $now != "$2" ] || return 0
        sleep 0.2
    done
    printf '%s: of ldirectord %s it does not become so that it %s\n' "$state" "$1" "$2"
}

config() { printf '%s' "$good" >"$1"; }
break_() { printf 'nonsense\n' >>"$1"; }

init() {
    rm -f /etc/default/ldirectord /etc/ldirectord.cf
    state='no configuration'
    for verb in start status stop nonsense ''; do ask "$verb"; done
    config /etc/ldirectord.cf
    state=stopped
    for verb in status stop try-restart reload force-reload nonsense '' start; do ask "$verb"; done
    settled /etc/ldirectord.cf runs
    state=running
    for verb in status start reload force-reload; do ask "$verb"; done
    for verb in try-restart restart; do
        ask $verb
        settled /etc/ldirectord.cf runs
    done
    ask status
    state='running, broken configuration'
    break_ /etc/ldirectord.cf
    for verb in start reload status; do ask "$verb"; done
    config /etc/ldirectord.cf
    state='running again'
    ask stop
    settled /etc/ldirectord.cf ended
    state='another configuration'
    echo CONFIG_FILE=/tmp/y.cf >/etc/default/ldirectord
    ask start
    config /tmp/y.cf
    ask start
    settled /tmp/y.cf runs
    ask status
    ask stop
    settled /tmp/y.cf ended
}

ocf() {
    rm -f /etc/ha.d/ldirectord.cf
    mkdir -p /etc/ha.d
    state='no configuration'
    for action in meta-data usage nonsense validate-all monitor status start stop; do ask $action; done
    config /etc/ha.d/ldirectord.cf
    OCF_RESKEY_ldirectord=/nonexistent
    state='no program'
    for action in validate-all monitor start; do ask $action; done
    OCF_RESKEY_ldirectord=/usr/sbin/ldirectord
    state=stopped
    for action in validate-all monitor status stop start; do ask $action; done
    settled /etc/ha.d/ldirectord.cf runs
    state=running
    for action in monitor status start validate-all; do ask $action; done
    state='running, broken configuration'
    break_ /etc/ha.d/ldirectord.cf
    for action in validate-all monitor stop; do ask $action; done
    state='stopped, broken configuration'
    for action in monitor start; do ask $action; done
    config /etc/ha.d/ldirectord.cf
    settled /etc/ha.d/ldirectord.cf ended
    state='a stale pid file'
    echo 99999 >/var/run/ldirectord.ldirectord.cf.pid
    for action in monitor start; do ask $action; done
    settled /etc/ha.d/ldirectord.cf runs
    state='running again'
    for action in monitor stop monitor; do ask $action; done
    OCF_RESKEY_configfile=/tmp/x.cf
    export OCF_RESKEY_configfile
    config /tmp/x.cf
    state='another configuration'
    ask start
    settled /tmp/x.cf runs
    for action in monitor stop monitor; do ask $action; done
}

$kind
