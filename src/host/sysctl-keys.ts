/**
 * Every setting under net.* that Linux 6.18 knows, with its default in a fresh network namespace and the values the
 * kernel takes. Recorded, one line each:
 *
 *     name  default  values  [field | !]
 *
 * In `default`, `-` is empty and `+` a space. `values` is a range of whole numbers, or `int` (32 bits), `sec` (seconds that fit a timer), `ms` (milliseconds, which
 * the kernel rounds up to its tick), `flag` (any number, kept as 0 or 1), `text`, `bits`
 * (numbers and ranges up to 255), or `ro` (cannot be written).
 * `field` is where Sysctl keeps it as a plain number. `!` marks what would change a verdict but is not evaluated: it
 * may only be set to its default. All others have no influence on what the firewall decides and are taken as they come.
 */

export interface SysctlKey {
  readonly name: string;
  readonly initial: string;
  readonly values: string;
  /** The field of Sysctl; null when it has none. */
  readonly field: string | null;
  readonly refused: boolean;
}

/** The lines of a table as a map by name. */
function table(lines: string): ReadonlyMap<string, SysctlKey> {
  const keys = new Map<string, SysctlKey>();
  for (const line of lines.trim().split("\n")) {
    const [name, initial, values, mark] = line.trim().split(" ");
    const text = initial === "-" ? "" : initial.replaceAll("+", " ");
    const refused = mark === "!";
    keys.set(name, { name, initial: text, values, field: refused ? null : (mark ?? null), refused });
  }
  return keys;
}

/** net.netfilter.* */
export const NETFILTER = table(`
  nf_conntrack_acct 0 0..1 acct
  nf_conntrack_buckets 262144 1..2147483647 conntrackBuckets
  nf_conntrack_checksum 1 0..1 checksum
  nf_conntrack_count 0 ro
  nf_conntrack_events 2 0..2 events
  nf_conntrack_expect_max 4096 1..2147483647 expectMax
  nf_conntrack_frag6_high_thresh 4194304 0..9007199254740991 frag6HighThresh
  nf_conntrack_frag6_low_thresh 3145728 0..9007199254740991 frag6LowThresh
  nf_conntrack_frag6_timeout 60 sec frag6Timeout
  nf_conntrack_generic_timeout 600 sec genericTimeout
  nf_conntrack_gre_timeout 30 sec greTimeout
  nf_conntrack_gre_timeout_stream 180 sec greTimeoutStream
  nf_conntrack_icmp_timeout 30 sec icmpTimeout
  nf_conntrack_icmpv6_timeout 30 sec icmpv6Timeout
  nf_conntrack_log_invalid 0 0..255 logInvalid
  nf_conntrack_max 262144 0..2147483647 conntrackMax
  nf_conntrack_sctp_timeout_closed 10 sec sctpTimeoutClosed
  nf_conntrack_sctp_timeout_cookie_echoed 3 sec sctpTimeoutCookieEchoed
  nf_conntrack_sctp_timeout_cookie_wait 3 sec sctpTimeoutCookieWait
  nf_conntrack_sctp_timeout_established 210 sec sctpTimeoutEstablished
  nf_conntrack_sctp_timeout_heartbeat_sent 30 sec sctpTimeoutHeartbeatSent
  nf_conntrack_sctp_timeout_shutdown_ack_sent 3 sec sctpTimeoutShutdownAckSent
  nf_conntrack_sctp_timeout_shutdown_recd 3 sec sctpTimeoutShutdownRecd
  nf_conntrack_sctp_timeout_shutdown_sent 3 sec sctpTimeoutShutdownSent
  nf_conntrack_tcp_be_liberal 0 0..1 tcpBeLiberal
  nf_conntrack_tcp_ignore_invalid_rst 0 0..1 tcpIgnoreInvalidRst
  nf_conntrack_tcp_loose 1 0..1 tcpLoose
  nf_conntrack_tcp_max_retrans 3 0..255 tcpMaxRetrans
  nf_conntrack_tcp_timeout_close 10 sec tcpTimeoutClose
  nf_conntrack_tcp_timeout_close_wait 60 sec tcpTimeoutCloseWait
  nf_conntrack_tcp_timeout_established 432000 sec tcpTimeoutEstablished
  nf_conntrack_tcp_timeout_fin_wait 120 sec tcpTimeoutFinWait
  nf_conntrack_tcp_timeout_last_ack 30 sec tcpTimeoutLastAck
  nf_conntrack_tcp_timeout_max_retrans 300 sec tcpTimeoutMaxRetrans
  nf_conntrack_tcp_timeout_syn_recv 60 sec tcpTimeoutSynRecv
  nf_conntrack_tcp_timeout_syn_sent 120 sec tcpTimeoutSynSent
  nf_conntrack_tcp_timeout_time_wait 120 sec tcpTimeoutTimeWait
  nf_conntrack_tcp_timeout_unacknowledged 300 sec tcpTimeoutUnacknowledged
  nf_conntrack_timestamp 0 0..1 timestamp
  nf_conntrack_udp_timeout 30 sec udpTimeout
  nf_conntrack_udp_timeout_stream 120 sec udpTimeoutStream
  nf_hooks_lwtunnel 0 0..1 !
  nf_log/0 NONE text
  nf_log/1 NONE text
  nf_log/10 nf_log_ipv6 text !
  nf_log/2 nf_log_ipv4 text !
  nf_log/3 nf_log_arp text
  nf_log/4 NONE text
  nf_log/5 nf_log_netdev text
  nf_log/6 NONE text
  nf_log/7 nf_log_bridge text
  nf_log/8 NONE text
  nf_log/9 NONE text
  nf_log_all_netns 0 int
`);

/** net.ipv4.* */
export const IPV4 = table(`
  cipso_cache_bucket_size 10 int
  cipso_cache_enable 1 int
  cipso_rbm_optfmt 0 int
  cipso_rbm_strictvalid 1 int
  fib_multipath_hash_fields 7 1..4095
  fib_multipath_hash_policy 0 0..3
  fib_multipath_hash_seed 0 0..4294967295
  fib_multipath_use_neigh 0 0..1
  fib_notify_on_flag_change 0 0..2
  fib_sync_mem 524288 int
  fwmark_reflect 0 0..255 fwmarkReflect
  icmp_echo_enable_probe 0 0..1 !
  icmp_echo_ignore_all 0 0..1 icmpEchoIgnoreAll
  icmp_echo_ignore_broadcasts 1 0..1 icmpEchoIgnoreBroadcasts
  icmp_errors_use_inbound_ifaddr 0 0..1 icmpErrorsUseInboundIfaddr
  icmp_ignore_bogus_error_responses 1 0..1
  icmp_msgs_burst 50 0..2147483647 icmpMsgsBurst
  icmp_msgs_per_sec 1000 0..2147483647 icmpMsgsPerSec
  icmp_ratelimit 1000 ms icmpRatelimit
  icmp_ratemask 6168 int icmpRatemask
  igmp_link_local_mcast_reports 1 0..255
  igmp_max_memberships 20 int
  igmp_max_msf 10 int
  igmp_qrv 2 1..2147483647
  inet_peer_maxttl 600 int
  inet_peer_minttl 120 int
  inet_peer_threshold 65664 int
  ip_autobind_reuse 0 0..1
  ip_default_ttl 64 1..255 ipDefaultTtl
  ip_dynaddr 0 0..255
  ip_early_demux 1 0..255
  ip_forward 0 int
  ip_forward_update_priority 1 0..1
  ip_forward_use_pmtu 0 0..255
  ip_local_port_range 32768+60999 text
  ip_local_reserved_ports - text
  ip_no_pmtu_disc 0 0..255
  ip_nonlocal_bind 0 0..255
  ip_unprivileged_port_start 1024 0..65535
  ipfrag_high_thresh 4194304 0..9007199254740991 ipfragHighThresh
  ipfrag_low_thresh 3145728 0..9007199254740991 ipfragLowThresh
  ipfrag_max_dist 64 0..2147483647 ipfragMaxDist
  ipfrag_secret_interval 0 int
  ipfrag_time 30 sec ipfragTime
  nexthop_compat_mode 1 0..1
  ping_group_range 1+0 text
  raw_l3mdev_accept 1 0..1
  route/error_burst 1250 int
  route/error_cost 250 int
  route/gc_elasticity 8 int
  route/gc_interval 60 int
  route/gc_min_interval 0 int
  route/gc_min_interval_ms 500 int
  route/gc_thresh -1 int
  route/gc_timeout 300 int
  route/max_size 2147483647 int
  route/min_adv_mss 256 int
  route/min_pmtu 552 68..2147483647
  route/mtu_expires 600 sec
  route/redirect_load 5 int
  route/redirect_number 9 int
  route/redirect_silence 5120 int
  tcp_abort_on_overflow 0 0..255
  tcp_adv_win_scale 1 -2..31
  tcp_allowed_congestion_control reno+cubic ro
  tcp_app_win 31 0..31
  tcp_autocorking 1 0..1
  tcp_available_congestion_control reno+cubic ro
  tcp_available_ulp mptcp text
  tcp_backlog_ack_defer 1 0..1
  tcp_base_mss 1024 int
  tcp_challenge_ack_limit 2147483647 int
  tcp_child_ehash_entries 0 0..16777216
  tcp_comp_sack_delay_ns 1000000 0..9007199254740991
  tcp_comp_sack_nr 44 0..255
  tcp_comp_sack_slack_ns 100000 0..9007199254740991
  tcp_congestion_control cubic text
  tcp_dsack 1 0..255
  tcp_early_demux 1 0..255
  tcp_early_retrans 3 0..4
  tcp_ecn 2 0..2
  tcp_ecn_fallback 1 0..1
  tcp_ecn_option 2 0..2
  tcp_ecn_option_beacon 3 0..3
  tcp_ehash_entries -262144 ro
  tcp_fack 0 0..255
  tcp_fastopen 1 int
  tcp_fastopen_blackhole_timeout_sec 0 0..2147483647
  tcp_fastopen_key 00000000-00000000-00000000-00000000 text
  tcp_fin_timeout 60 sec
  tcp_frto 2 0..255
  tcp_fwmark_accept 0 0..255
  tcp_invalid_ratelimit 500 ms
  tcp_keepalive_intvl 75 sec
  tcp_keepalive_probes 9 0..255
  tcp_keepalive_time 7200 sec
  tcp_l3mdev_accept 0 0..1
  tcp_limit_output_bytes 4194304 int
  tcp_low_latency 0 int
  tcp_max_orphans 131072 int
  tcp_max_reordering 300 1..2147483647
  tcp_max_syn_backlog 2048 int
  tcp_max_tw_buckets 131072 int
  tcp_mem 287898+383867+575796 text
  tcp_migrate_req 0 0..1
  tcp_min_rtt_wlen 300 0..86400
  tcp_min_snd_mss 48 48..65535
  tcp_min_tso_segs 2 1..255
  tcp_moderate_rcvbuf 1 0..255
  tcp_mtu_probe_floor 48 48..65535
  tcp_mtu_probing 0 0..255
  tcp_no_metrics_save 0 0..255
  tcp_no_ssthresh_metrics_save 1 0..1
  tcp_notsent_lowat 4294967295 0..4294967295
  tcp_orphan_retries 0 0..255
  tcp_pacing_ca_ratio 120 0..1000
  tcp_pacing_ss_ratio 200 0..1000
  tcp_pingpong_thresh 1 1..255
  tcp_plb_cong_thresh 128 0..256
  tcp_plb_enabled 0 0..1
  tcp_plb_idle_rehash_rounds 3 0..31
  tcp_plb_rehash_rounds 12 0..31
  tcp_plb_suspend_rto_sec 60 0..255
  tcp_probe_interval 600 0..2147483647
  tcp_probe_threshold 8 int
  tcp_recovery 1 0..255
  tcp_reflect_tos 0 0..1
  tcp_reordering 3 1..300
  tcp_retrans_collapse 1 0..255
  tcp_retries1 3 0..255
  tcp_retries2 15 0..255
  tcp_rfc1337 0 0..255
  tcp_rmem 4096+131072+33554432 text
  tcp_rto_max_ms 120000 1000..120000
  tcp_rto_min_us 200000 1..2147483647
  tcp_sack 1 0..255
  tcp_shrink_window 0 0..1
  tcp_slow_start_after_idle 1 0..255
  tcp_stdurg 0 0..255
  tcp_syn_linear_timeouts 4 0..127
  tcp_syn_retries 6 1..127
  tcp_synack_retries 5 0..255
  tcp_syncookies 1 0..255
  tcp_thin_linear_timeouts 0 0..255
  tcp_timestamps 1 0..255
  tcp_tso_rtt_log 9 0..255
  tcp_tso_win_divisor 3 0..255
  tcp_tw_reuse 2 0..2
  tcp_tw_reuse_delay 1000 1..4095
  tcp_window_scaling 1 0..255
  tcp_wmem 4096+16384+4194304 text
  tcp_workaround_signed_windows 0 0..255
  udp_child_hash_entries 0 0..1048576
  udp_early_demux 1 0..255
  udp_hash_entries -16384 ro
  udp_l3mdev_accept 0 0..1
  udp_mem 575799+767734+1151598 text
  udp_rmem_min 4096 1..2147483647
  udp_wmem_min 4096 1..2147483647
  xfrm4_gc_thresh 32768 int
`);

/** net.ipv4.conf.DEVICE.* */
export const CONF4 = table(`
  accept_local 0 int
  accept_redirects 1 int
  accept_source_route 1 int
  arp_accept 0 int
  arp_announce 0 int
  arp_evict_nocarrier 1 int
  arp_filter 0 int
  arp_ignore 0 int
  arp_notify 0 int
  bc_forwarding 0 int
  bootp_relay 0 int
  disable_policy 0 int
  disable_xfrm 0 int
  drop_gratuitous_arp 0 int
  drop_unicast_in_l2_multicast 0 int
  force_igmp_version 0 int
  forwarding 0 int
  igmpv2_unsolicited_report_interval 10000 int
  igmpv3_unsolicited_report_interval 1000 int
  ignore_routes_with_linkdown 0 int
  log_martians 0 int
  mc_forwarding 0 ro !
  medium_id 0 int
  promote_secondaries 0 int
  proxy_arp 0 int
  proxy_arp_pvlan 0 int
  route_localnet 0 int
  rp_filter 0 int
  secure_redirects 1 int
  send_redirects 1 int
  shared_media 1 int
  src_valid_mark 0 int
  tag 0 int
`);

/** net.ipv6.* */
export const IPV6 = table(`
  anycast_src_echo_reply 0 0..255 anycastSrcEchoReply
  auto_flowlabels 1 0..3 autoFlowlabels
  bindv6only 0 0..255
  calipso_cache_bucket_size 10 int
  calipso_cache_enable 1 int
  fib_multipath_hash_fields 7 1..4095
  fib_multipath_hash_policy 0 0..3
  fib_notify_on_flag_change 0 0..2
  flowlabel_consistency 1 0..255
  flowlabel_reflect 0 0..5 flowlabelReflect
  flowlabel_state_ranges 0 0..255
  fwmark_reflect 0 0..255 fwmarkReflect6
  icmp/echo_ignore_all 0 0..255 icmp6EchoIgnoreAll
  icmp/echo_ignore_anycast 0 0..255 icmp6EchoIgnoreAnycast
  icmp/echo_ignore_multicast 0 0..255 icmp6EchoIgnoreMulticast
  icmp/error_anycast_as_unicast 0 0..1 icmp6ErrorAnycastAsUnicast
  icmp/ratelimit 100 ms icmp6Ratelimit
  icmp/ratemask 0-1,3-127 bits
  idgen_delay 1 sec
  idgen_retries 3 int
  ioam6_id 16777215 0..16777215
  ioam6_id_wide 72057594037927935 text
  ip6frag_high_thresh 4194304 0..9007199254740991 ip6fragHighThresh
  ip6frag_low_thresh 3145728 0..9007199254740991 ip6fragLowThresh
  ip6frag_secret_interval 0 int
  ip6frag_time 60 sec ip6fragTime
  ip_nonlocal_bind 0 0..255
  max_dst_opts_length 2147483647 int
  max_dst_opts_number 8 int
  max_hbh_length 2147483647 int
  max_hbh_opts_number 8 int
  mld_max_msf 64 int
  mld_qrv 2 int
  route/gc_elasticity 9 int
  route/gc_interval 30 sec
  route/gc_min_interval 0 sec
  route/gc_min_interval_ms 0 ms
  route/gc_thresh 1024 int
  route/gc_timeout 60 sec
  route/max_size 2147483647 int
  route/min_adv_mss 1220 int
  route/mtu_expires 600 sec
  route/skip_notify_on_dev_down 0 0..1
  seg6_flowlabel 0 int
  xfrm6_gc_thresh 32768 int
`);

/** net.ipv6.conf.DEVICE.* */
export const CONF6 = table(`
  accept_dad 1 int
  accept_ra 1 int
  accept_ra_defrtr 1 int
  accept_ra_from_local 0 int
  accept_ra_min_hop_limit 1 int
  accept_ra_min_lft 0 int
  accept_ra_mtu 1 int
  accept_ra_pinfo 1 int
  accept_ra_rt_info_max_plen 0 int
  accept_ra_rt_info_min_plen 0 int
  accept_ra_rtr_pref 1 int
  accept_redirects 1 int
  accept_source_route 0 int
  accept_untracked_na 0 0..2
  addr_gen_mode 0 0..3
  autoconf 1 int
  dad_transmits 1 int
  disable_ipv6 0 int
  disable_policy 0 int
  drop_unicast_in_l2_multicast 0 int
  drop_unsolicited_na 0 int
  enhanced_dad 1 int
  force_forwarding 0 0..1
  force_mld_version 0 int
  force_tllao 0 int
  forwarding 0 int
  hop_limit 64 1..255
  ignore_routes_with_linkdown 0 int
  ioam6_enabled 0 0..1 !
  ioam6_id 65535 0..65535
  ioam6_id_wide 4294967295 0..4294967295
  keep_addr_on_down 0 int
  max_addresses 16 int
  max_desync_factor 600 int
  mc_forwarding 0 ro !
  mldv1_unsolicited_report_interval 10000 ms
  mldv2_unsolicited_report_interval 1000 ms
  mtu 1500 1280..1500
  ndisc_evict_nocarrier 1 0..1
  ndisc_notify 0 int
  ndisc_tclass 0 0..255
  optimistic_dad 0 int
  proxy_ndp 0 int
  ra_defrtr_metric 1024 1..4294967295
  ra_honor_pio_life 0 0..1
  ra_honor_pio_pflag 0 0..1
  regen_max_retry 3 int
  regen_min_advance 2 int
  router_probe_interval 60 sec
  router_solicitation_delay 1 sec
  router_solicitation_interval 4 sec
  router_solicitation_max_interval 3600 sec
  router_solicitations -1 -1..2147483647
  rpl_seg_enabled 0 0..1 !
  seg6_enabled 0 int !
  seg6_require_hmac 0 int
  stable_secret - text
  suppress_frag_ndisc 1 int
  temp_prefered_lft 86400 int
  temp_valid_lft 604800 int
  use_oif_addrs_only 0 int
  use_optimistic 0 int
  use_tempaddr 0 int
`);

/** net.ipv4.neigh.DEVICE.* and net.ipv6.neigh.DEVICE.*: neighbours are not simulated. */
export const NEIGH = table(`
  anycast_delay 100 text
  app_solicit 0 0..2147483647
  base_reachable_time 30 sec
  base_reachable_time_ms 30000 ms
  delay_first_probe_time 5 sec
  gc_stale_time 60 sec
  interval_probe_time_ms 5000 ms
  locktime 100 text
  mcast_resolicit 0 0..2147483647
  mcast_solicit 3 0..2147483647
  proxy_delay 80 text
  proxy_qlen 64 0..2147483647
  retrans_time 100 text
  retrans_time_ms 1000 ms
  ucast_solicit 3 0..2147483647
  unres_qlen 101 0..1000000
  unres_qlen_bytes 211090 0..2147483647
`);

/** The rest of net.* */
export const OTHER = table(`
  bridge/bridge-nf-call-arptables 1 flag
  bridge/bridge-nf-call-ip6tables 1 flag
  bridge/bridge-nf-call-iptables 1 flag
  bridge/bridge-nf-filter-pppoe-tagged 0 flag
  bridge/bridge-nf-filter-vlan-tagged 0 flag
  bridge/bridge-nf-pass-vlan-input-dev 0 flag
  core/bpf_jit_enable 1 int
  core/bpf_jit_harden 0 int
  core/bpf_jit_kallsyms 1 int
  core/bpf_jit_limit 528482304 int
  core/busy_poll 0 int
  core/busy_read 0 int
  core/default_qdisc pfifo_fast text
  core/dev_weight 64 int
  core/dev_weight_rx_bias 1 int
  core/dev_weight_tx_bias 1 int
  core/devconf_inherit_init_net 0 int
  core/fb_tunnels_only_for_init_net 0 int
  core/flow_limit_cpu_bitmap 0 int
  core/flow_limit_table_len 4096 int
  core/gro_normal_batch 8 int
  core/high_order_alloc_disable 0 int
  core/max_skb_frags 17 int
  core/mem_pcpu_rsv 256 int
  core/message_burst 10 int
  core/message_cost 5 int
  core/netdev_budget 300 int
  core/netdev_budget_usecs 8000 int
  core/netdev_max_backlog 1000 int
  core/netdev_rss_key - text
  core/netdev_tstamp_prequeue 1 int
  core/netdev_unregister_timeout_secs 10 int
  core/optmem_max 131072 0..2147483647
  core/rmem_default 212992 ro
  core/rmem_max 4194304 ro
  core/rps_default_mask 0 text
  core/rps_sock_flow_entries 0 int
  core/skb_defer_max 64 int
  core/somaxconn 4096 0..2147483647
  core/tstamp_allow_data 1 0..1
  core/txrehash 1 0..1
  core/warnings 0 int
  core/wmem_default 212992 ro
  core/wmem_max 4194304 ro
  core/xfrm_acq_expires 30 int
  core/xfrm_aevent_etime 10 0..4294967295
  core/xfrm_aevent_rseqth 2 0..4294967295
  core/xfrm_larval_drop 1 int
  mptcp/add_addr_timeout 120 sec
  mptcp/allow_join_initial_addr_port 1 0..1
  mptcp/available_path_managers kernel+userspace ro
  mptcp/available_schedulers default ro
  mptcp/blackhole_timeout 3600 0..2147483647
  mptcp/checksum_enabled 0 0..1
  mptcp/close_timeout 60 sec
  mptcp/enabled 1 0..1
  mptcp/path_manager kernel text
  mptcp/pm_type 0 0..1
  mptcp/scheduler default text
  mptcp/stale_loss_cnt 4 0..4294967295
  mptcp/syn_retrans_before_tcp_fallback 2 0..255
  unix/max_dgram_qlen 10 int
`);
