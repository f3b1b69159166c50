# -m dscp: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
%46
-m dscp --dscp 0;-m dscp --dscp 0x00;OK
-m dscp --dscp 46;-m dscp --dscp 0x2e;OK
-m dscp ! --dscp 0x3f;=;OK
-m dscp --dscp-class EF;-m dscp --dscp 0x2e;OK
-m dscp ! --dscp-class af41;-m dscp ! --dscp 0x22;OK
-m dscp --dscp-class CS7x;-m dscp --dscp 0x38;OK
-m dscp --dscp-class BE;-m dscp --dscp 0x00;OK
-m dscp --dscp-class be2;-m dscp --dscp 0x00;OK
-m dscp --dscp-class AF;;FAIL;Invalid DSCP value `AF'
-m dscp --dscp-class AF44;;FAIL;Invalid DSCP value `AF44'
-m dscp --dscp 64;;FAIL;dscp: bad value for option "--dscp", or out of range (0-63).
-m dscp --dscp -1;;FAIL;dscp: bad value for option "--dscp", or out of range (0-63).
-m dscp --dscp x;;FAIL;dscp: bad value for option "--dscp", or out of range (0-63).
-m dscp --dscp 1 --dscp 2;;FAIL;dscp: option "--dscp" can only be used once.
-m dscp --dscp 1 --dscp-class EF;;FAIL;dscp: option "--dscp" cannot be used together with "--dscp-class".
-m dscp --dscp-class EF --dscp 1;;FAIL;dscp: option "--dscp" cannot be used together with "--dscp-class".
-m dscp;;FAIL;DSCP match: Parameter --dscp is required

