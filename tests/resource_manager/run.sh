#!/bin/sh
# run.sh WHO TOOL: plays every case with the reference's programs (WHO=reference) or with ours
# (WHO=ours, TOOL is hb_tool) and prints what happened. Only to be run in namespaces of its own, which
# the test makes: mounts over /etc/ha.d, /run, ...; nothing outside changes.
set -eu
who=$1 tool=$2

# ---- a private machine; without it no case may run ----------------------------------------------

mount -t tmpfs none /run
lab=/run/lab
export lab
mkdir "$lab" "$lab/ha.d" "$lab/var" "$lab/bin" "$lab/share"
[ ! -d /etc/ha.d ] || cp -R --preserve=mode,links /etc/ha.d/. "$lab/ha.d/"
rm -rf "$lab/ha.d/resource.d"
mkdir -p "$lab/ha.d/resource.d" "$lab/ha.d/rc.d"
mount --bind "$lab/ha.d" /etc/ha.d
mount --bind "$lab/var" /var/lib/heartbeat
mkdir /run/resource-agents
for name in reboot init pkill; do
    printf '#!/bin/sh\n[ "%s" = pkill ] || echo "%s $*" >> "$lab/calls"\n' $name $name > "$lab/bin/$name"
    chmod 755 "$lab/bin/$name"
done
for path in /sbin/reboot /sbin/init /usr/bin/pkill; do
    [ ! -e $path ] || { cp "$lab/bin/${path##*/}" "$lab/bin/mask-${path##*/}"; mount --bind "$lab/bin/mask-${path##*/}" $path; }
done
# Some of them may be links to one program: the last mask wins, and must be one of ours.
for path in /sbin/reboot /sbin/init /usr/bin/pkill; do
    [ ! -e $path ] || grep -q 'lab/calls' $path || exit 99
done
hostname b1
if [ "$who" = ours ]; then
    for name in ResourceManager req_resource mach_down hb_standby hb_takeover hb_addnode hb_delnode hb_setweight hb_setsite; do
        ln -s "$tool" "$lab/share/$name"
    done
    mount --bind "$lab/share" /usr/share/heartbeat
    for name in status ip-request ip-request-resp ask_resources hb_takeover; do
        ln -sf "$tool" /etc/ha.d/rc.d/$name
    done
    ln -sf "$tool" /etc/ha.d/harc
fi

cat > "$lab/probe" <<'P'
#!/bin/sh
name=${0##*/} mark=/run/up.${0##*/}
for op; do :; done
echo "$name $*" >> "$lab/calls"
case $name:$op in
    badstart:start) echo "cannot"; exit 5 ;;
    badstop:stop) exit 3 ;;
    rude:stop) rm -f $mark; exit 3 ;;
    says-not:status) echo "is not running" ;;
    says-was:status) echo "stopped, was running" ;;
    says-ok:status) echo "ok" ;;
    says-OK:status) echo "OK"; exit 9 ;;
    says-err:status) echo "running" >&2 ;;
    says-nothing:status) ;;
    says-lines:status) printf 'one\nRunning on two\n' ;;
    *:status) if [ -e $mark ]; then echo running; else echo stopped; fi ;;
    *:start) touch $mark; echo "started $name" ;;
    *:stop) rm -f $mark ;;
esac
P
for name in A B C D E IPaddr badstart badstop rude says-not says-was says-ok says-OK says-err says-nothing says-lines; do
    install -m755 "$lab/probe" /etc/ha.d/resource.d/$name
done
install -m644 "$lab/probe" /etc/ha.d/resource.d/noexec

# ---- one case -----------------------------------------------------------------------------------

# check COMMAND...: clean state, `up` lists what runs already, `env` adds variables.
check() {
    rm -f /run/up.* "$lab/calls" "$lab/log" "$lab/dbg" "$lab/fifo" "$lab/said"
    for name in $up; do touch /run/up.$name; done
    mkfifo "$lab/fifo"
    cat "$lab/fifo" > "$lab/said" &
    exec 9> "$lab/fifo"
    echo "==== ${env:+$env }$*${up:+ (up: $up)}"
    code=0
    env -i PATH="$PATH" lab="$lab" HA_CURHOST=b1 HA_LOGD=no HA_STOPRETRYMAX=1 HA_FIFO="$lab/fifo" HA_LOGFILE="$lab/log" HA_DEBUGLOG="$lab/dbg" \
        HA_DATEFMT='%Y/%m/%d_%T	' $env "$@" < /dev/null > "$lab/out" 2> "$lab/err" 9>&- || code=$?
    exec 9>&-
    wait
    echo "code $code"
    for part in out err calls log dbg said; do
        [ ! -s "$lab/$part" ] || sed "s/^/$part: /" "$lab/$part"
    done
}

program=/usr/share/heartbeat/ResourceManager
manager() { check $program "$@"; }
hook() { env="HA_DIR=/etc/ha.d/ HA_FUNCS=/etc/ha.d//shellfuncs $env" check /etc/ha.d/harc "$@"; }
env='' up=''

# ---- ResourceManager ----------------------------------------------------------------------------

cat > /etc/ha.d/haresources <<'H'
# a comment
b1 A::x badstart B
b2 C says-not says-was
B1 10.0.0.1/24/eth0 D   # another comment
b1 badstop missing
b1 rude E::one::two \
   says-lines
b2 noexec
H
for verb in listkeys\ b1 listkeys\ B1 listkeys\ b3 allkeys ourkeys otherkeys; do manager $verb; done
for word in A::x missing says-not says-was says-ok says-OK says-err says-nothing says-lines noexec; do manager status $word; done
manager takegroup A::x
up=A manager takegroup A::x
manager takegroup B
manager takegroup says-was
up="C says-not" manager givegroup C
manager takegroup 10.0.0.1/24/eth0 D
manager givegroup A::x badstart B
manager takegroup badstop
up=badstop manager givegroup badstop
up=rude manager givegroup rude
env=HA_STOPRETRYMAX=2 up=rude manager givegroup rude
up="rude E" manager takegroup rude
manager takegroup noexec
for key in C rude 10.0.0.1/24/eth0; do up="rude E" manager statgroup $key; done
manager takegroup nosuch
manager givegroup nosuch
manager verifyallidle
up="A IPaddr" manager verifyallidle
manager bogus
manager

# ---- the scripts around it ----------------------------------------------------------------------

cat > /etc/ha.d/haresources <<'H'
b1 A B
b2 C::q D
b2 says-OK E
H
for env in "HA_NICEFAILBACK=yes" "HA_NICEFAILBACK=no" "HA_NICEFAILBACK=yes HA_info=ping"; do
    for node in b2 B2 b1 b3; do check /usr/share/heartbeat/mach_down $node; done
done
for env in "HA_NICEFAILBACK=yes" "HA_DONTASK=yes" ""; do
    for key in C::q says-OK; do check /usr/share/heartbeat/req_resource $key; done
done
for peer in b1 b2; do
    for key in A says-OK; do env="HA_t=ip-request HA_src=$peer HA_ipaddr=$key" hook ip-request; done
    for ok in OK NO; do env="HA_dest=$peer HA_ipaddr=C::q HA_ok=$ok HA_weown=no" hook ip-request-resp; done
    for st in up dead; do env="HA_src=$peer HA_st=$st HA_NICEFAILBACK=yes" hook status; done
    for set in all local foreign failback ""; do env="HA_src=$peer HA_rsc_hold=$set" hook hb_takeover; done
done
env="HA_src=b2 HA_NICEFAILBACK=yes" hook ask_resources
env="HA_src=b2 HA_NICEFAILBACK=yes" hook nosuch

# ---- commands of the administrator --------------------------------------------------------------

env=
for word in "" all foreign local failback bogus "a b" --help; do
    check /usr/share/heartbeat/hb_standby $word
    check /usr/share/heartbeat/hb_takeover $word
done
for words in "" n1 "n1 n2" --help; do
    for name in hb_addnode hb_delnode hb_setweight hb_setsite; do check /usr/share/heartbeat/$name $words; done
done
