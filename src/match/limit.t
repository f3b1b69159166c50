# -m limit: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
-m limit --limit 1/sec;=;OK
-m limit --limit 5/min --limit-burst 10;=;OK
-m limit --limit 3/hour --limit-burst 5;-m limit --limit 3/hour;OK
-m limit --limit 1/day;;FAIL;Overflow, try lower: 864000000/5
-m limit --limit 10000/s;-m limit --limit 10000/sec;OK
-m limit --limit 10001/s;;FAIL;Rate too fast "10001/s"
# an average that divides badly is saved as what is left of it
-m limit --limit 7/min;=;OK
-m limit --limit 33/hour;=;OK
-m limit --limit 61/min;=;OK
-m limit --limit 1000/second;-m limit --limit 1000/sec;OK
-m limit --limit 24/day;-m limit --limit 1/hour;OK
-m limit --limit 5;-m limit --limit 5/sec;OK
-m limit --limit 1/mi;-m limit --limit 1/min;OK
-m limit;-m limit --limit 3/hour;OK
-m limit --limit-burst 1;-m limit --limit 3/hour --limit-burst 1;OK
-m limit --limit-burst 10000;;FAIL;Overflow, try lower: 12000000/10000
-m limit --limit-burst 10001;;FAIL;limit: bad value for option "--limit-burst", or out of range (0-10000).
-m limit --limit-burst 0;;FAIL;Overflow, try lower: 12000000/0
# more credit than 32 bits hold
-m limit --limit 1/day --limit-burst 10000;;FAIL;Overflow, try lower: 864000000/10000
-m limit --limit 0/s;;FAIL;bad rate "0/s"'
-m limit --limit -5/s;;FAIL;Rate too fast "-5/s"
-m limit --limit 5/;;FAIL;bad rate "5/"'
-m limit --limit 5/week;;FAIL;bad rate "5/week"'
-m limit --limit fast;;FAIL;bad rate "fast"'
-m limit ! --limit 5/s;;FAIL;limit: option "--limit" cannot be inverted.
-m limit --limit 5/s --limit 6/s;;FAIL;limit: option "--limit" can only be used once.
%6
-m limit --limit 3/min;=;OK
