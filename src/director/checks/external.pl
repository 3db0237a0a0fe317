# Runs the file that is named first as the reference does, as the body of a sub of its own: `return` ends it (what it
# returns says nothing), the arguments are in @_ too, sockets and ldirectord's log are at hand.
eval 'use Socket; use IO::Socket';
sub ld_debug { }
sub ld_log { }
$0 = shift;
-f $0 && -r _ or die "$0 cannot be read\n";
@_ = @ARGV;
do($0 =~ m{^/} ? $0 : "./$0");
die $@ if $@;
exit 0;
