# -m quota: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-m quota --quota 0;=;OK
-m quota --quota 52428800;=;OK
-m quota ! --quota 5;=;OK
-m quota --quota 18446744073709551615;=;OK
-m quota --quota 18446744073709551616;;FAIL;quota: bad value for option "--quota", or out of range (0-18446744073709551615).
-m quota --quota 0x10;-m quota --quota 16;OK
-m quota --quota x;;FAIL;quota: bad value for option "--quota", or out of range (0-18446744073709551615).
-m quota --quota -1;;FAIL;quota: bad value for option "--quota", or out of range (0-18446744073709551615).
-m quota;;FAIL;quota: option "--quota" must be specified
-m quota --quota 1 --quota 2;;FAIL;quota: option "--quota" can only be used once.
%6
-m quota --quota 7;=;OK
