# -j NFQUEUE: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
*filter
:INPUT,FORWARD,OUTPUT
%46
-j NFQUEUE;-j NFQUEUE --queue-num 0;OK
-j NFQUEUE --queue-num 0;=;OK
-j NFQUEUE --queue-num 3;=;OK
-j NFQUEUE --queue-num 65535;=;OK
-j NFQUEUE --queue-num 65536;;FAIL;NFQUEUE: bad value for option "--queue-num", or out of range (0-65535).
-j NFQUEUE --queue-num -1;;FAIL;NFQUEUE: bad value for option "--queue-num", or out of range (0-65535).
-j NFQUEUE --queue-num x;;FAIL;NFQUEUE: bad value for option "--queue-num", or out of range (0-65535).
-j NFQUEUE ! --queue-num 3;;FAIL;NFQUEUE: option "--queue-num" cannot be inverted.
-j NFQUEUE --queue-num;;FAIL;option "--queue-num" requires an argument
-j NFQUEUE --queue-num 1 --queue-num 2;;FAIL;NFQUEUE: option "--queue-num" can only be used once.
-j NFQUEUE --queue-num 10 --queue-bypass;=;OK
-j NFQUEUE --queue-bypass;-j NFQUEUE --queue-num 0 --queue-bypass;OK
-j NFQUEUE --queue-bypass --queue-bypass;;FAIL;NFQUEUE: option "--queue-bypass" can only be used once.
-j NFQUEUE --queue-balance 0:65534;=;OK
-j NFQUEUE --queue-balance 0:65535;;FAIL;Numerical argument out of domain: number of total queues is 0
-j NFQUEUE --queue-balance 1:65535;=;OK
-j NFQUEUE --queue-balance 0:65536;;FAIL;NFQUEUE: bad value for option "--queue-balance" near "65536", or out of range (0-65535).
-j NFQUEUE --queue-balance -1:65535;;FAIL;NFQUEUE: bad value for option "--queue-balance" near "-1:65535", or out of range (0-65535).
-j NFQUEUE --queue-balance 0:6 --queue-cpu-fanout --queue-bypass;-j NFQUEUE --queue-balance 0:6 --queue-bypass --queue-cpu-fanout;OK
-j NFQUEUE --queue-balance 0:6 --queue-bypass;=;OK
-j NFQUEUE --queue-balance 3:3;;FAIL;3 should be less than 3
-j NFQUEUE --queue-balance 4:3;;FAIL;4 should be less than 3
-j NFQUEUE --queue-balance 5;;FAIL;Bad range "5"
-j NFQUEUE --queue-balance 5:;-j NFQUEUE --queue-balance 5:65535;OK
-j NFQUEUE --queue-balance :5;-j NFQUEUE --queue-balance 0:5;OK
-j NFQUEUE --queue-balance :;;FAIL;Numerical argument out of domain: number of total queues is 0
-j NFQUEUE --queue-balance 1:2:3;;FAIL;NFQUEUE: Too many components for option "--queue-balance" (max: 2)
-j NFQUEUE --queue-balance 1:x;;FAIL;NFQUEUE: bad value for option "--queue-balance" near "x", or out of range (0-65535).
-j NFQUEUE --queue-balance "";;FAIL;Bad range ""
-j NFQUEUE --queue-cpu-fanout;;FAIL;NFQUEUE: option "--queue-cpu-fanout" also requires "--queue-balance".
-j NFQUEUE --queue-num 1 --queue-cpu-fanout;;FAIL;NFQUEUE: option "--queue-cpu-fanout" also requires "--queue-balance".
-j NFQUEUE --queue-num 1 --queue-balance 1:2;;FAIL;NFQUEUE: option "--queue-num" cannot be used together with "--queue-balance".
-j NFQUEUE --queue-balance 1:2 --queue-num 1;;FAIL;NFQUEUE: option "--queue-num" cannot be used together with "--queue-balance".
-j NFQUEUE --queue 1;;FAIL;unknown option "--queue"
-j NFQUEUE --queue-b 1:2;;FAIL;unknown option "--queue-b"
-j NFQUEUE --queue-n 1 --queue-by;-j NFQUEUE --queue-num 1 --queue-bypass;OK
*raw
:PREROUTING,OUTPUT
-j NFQUEUE --queue-bypass;-j NFQUEUE --queue-num 0 --queue-bypass;OK
*mangle
:PREROUTING,INPUT,FORWARD,OUTPUT,POSTROUTING
-j NFQUEUE --queue-bypass;-j NFQUEUE --queue-num 0 --queue-bypass;OK
*nat
:PREROUTING,INPUT,OUTPUT,POSTROUTING
-j NFQUEUE;-j NFQUEUE --queue-num 0;OK
