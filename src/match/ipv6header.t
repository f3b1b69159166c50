# -m ipv6header: what iptables 1.8.9 accepts, how it saves it, what it refuses; recorded on Linux 6.18.
%6
-m ipv6header --header hop-by-hop;=;OK
-m ipv6header --header hop-by-hop --soft;=;OK
-m ipv6header ! --header hop,dst,route,frag,auth,esp,none,prot;-m ipv6header ! --header hop-by-hop,ipv6-opts,ipv6-route,ipv6-frag,ah,esp,ipv6-nonxt,protocol;OK
-m ipv6header --header 0,60,43,44,51,50,59,255;-m ipv6header --header hop-by-hop,ipv6-opts,ipv6-route,ipv6-frag,ah,esp,ipv6-nonxt,protocol;OK
-m ipv6header --header ipv6-nonxt;=;OK
-m ipv6header --header ah,ipv6-route;-m ipv6header --header ipv6-route,ah;OK
-m ipv6header --header protocol;=;OK
-m ipv6header --header tcp;;FAIL;unknown header `6' specified
-m ipv6header --header foo;;FAIL;unknown header `foo' specified
-m ipv6header --header "";;FAIL;ip6t_ipv6header: cannot parse header names
-m ipv6header --header hop,,dst;-m ipv6header --header hop-by-hop,ipv6-opts;OK
-m ipv6header --header HOPOPT;-m ipv6header --header hop-by-hop;OK
-m ipv6header;;FAIL;ipv6header: option "--header" must be specified
-m ipv6header --soft;;FAIL;ipv6header: option "--header" must be specified
-m ipv6header ! --header none --soft;-m ipv6header ! --header ipv6-nonxt --soft;OK
