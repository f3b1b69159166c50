# -j TOS: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
*mangle
-j TOS --set-tos 0x10;-j TOS --set-tos 0x10/0xff;OK
-j TOS --set-tos 0x04/0x1c;=;OK
-j TOS --set-tos 16/255;-j TOS --set-tos 0x10/0xff;OK
-j TOS --set-tos Minimize-Delay;-j TOS --set-tos 0x10/0x3f;OK
-j TOS --set-tos maximize-THROUGHPUT;-j TOS --set-tos 0x08/0x3f;OK
-j TOS --set-tos Maximize-Reliability;-j TOS --set-tos 0x04/0x3f;OK
-j TOS --set-tos Minimize-Cost;-j TOS --set-tos 0x02/0x3f;OK
-j TOS --set-tos normal-service;-j TOS --set-tos 0x00/0x3f;OK
-j TOS --set-tos 256;;FAIL;Symbolic name "256" is unknown
-j TOS --set-tos 4/256;;FAIL;Illegal value: "4/256"
-j TOS --set-tos 4/;;FAIL;Illegal value: "4/"
-j TOS --set-tos foo;;FAIL;Symbolic name "foo" is unknown
-j TOS --set-tos 010;-j TOS --set-tos 0x08/0xff;OK
-j TOS --set-tos "";;FAIL;Symbolic name "" is unknown
-j TOS --set-tos 5x;;FAIL;Illegal value: "5x"
-j TOS --set-tos -1;;FAIL;Symbolic name "-1" is unknown
-j TOS --and-tos 0x0f;-j TOS --set-tos 0x00/0xf0;OK
-j TOS --and-tos 255;-j TOS --set-tos 0x00/0x00;OK
-j TOS --and-tos 256;;FAIL;TOS: bad value for option "--and-tos", or out of range (0-255).
-j TOS --and-tos x;;FAIL;TOS: bad value for option "--and-tos", or out of range (0-255).
-j TOS --or-tos 0x0f;-j TOS --set-tos 0x0f/0x0f;OK
-j TOS --or-tos 255;-j TOS --set-tos 0xff/0xff;OK
-j TOS --or-tos 256;;FAIL;TOS: bad value for option "--or-tos", or out of range (0-255).
-j TOS --or-tos x;;FAIL;TOS: bad value for option "--or-tos", or out of range (0-255).
-j TOS --xor-tos 0x0f;-j TOS --set-tos 0x0f/0x00;OK
-j TOS --xor-tos 255;-j TOS --set-tos 0xff/0x00;OK
-j TOS --xor-tos 256;;FAIL;TOS: bad value for option "--xor-tos", or out of range (0-255).
-j TOS --xor-tos x;;FAIL;TOS: bad value for option "--xor-tos", or out of range (0-255).
-j TOS;;FAIL;TOS: An action is required
-j TOS --set-tos 1 --or-tos 2;;FAIL;TOS: option "--set-tos" cannot be used together with "--or-tos".
-j TOS --and-tos 1 --or-tos 2;;FAIL;TOS: option "--and-tos" cannot be used together with "--or-tos".
-j TOS ! --set-tos 1;;FAIL;TOS: option "--set-tos" cannot be inverted.
%6
-j TOS --set-tos 0x10/0x3f;=;OK
*filter
-j TOS --set-tos 1;;FAIL;x_tables: ip6_tables: TOS target: only valid in mangle table, not filter
