# -m frag: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
%6
-m frag;=;OK
-m frag --fragid 5;=;OK
-m frag --fragid 5:9;=;OK
-m frag ! --fragid :9;-m frag ! --fragid 0:9;OK
-m frag --fragid 0:4294967295;-m frag;OK
-m frag --fraglen 8;=;OK
-m frag ! --fraglen 0;=;OK
-m frag --fragres --fragfirst --fragmore;=;OK
-m frag --fraglast;=;OK
-m frag --fraglast --fragmore;;FAIL;frag: option "--fragmore" cannot be used together with "--fraglast".
-m frag --fragid x;;FAIL;frag: bad value for option "--fragid" near "x", or out of range (0-4294967295).
-m frag ! --fragres;;FAIL;frag: option "--fragres" cannot be inverted.
-m frag --fragres --fragres;;FAIL;frag: option "--fragres" can only be used once.
%4
-m frag;;FAIL;Couldn't load match `frag':No such file or directory
