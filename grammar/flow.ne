# Packet notation and packet scripts (*.flow), one line at a time. docs/FLOWS.md explains the language.
# The grammar knows the shape of a line; src/flow/ knows what its words mean and says so when one is wrong.

@preprocessor typescript
@{%
import { lexer } from "../flow-lexer.ts";

const token = (d: any): any => d[0];
const only = (d: any): any => d[0];
const listed = ([first, rest]: any[]): any[] => [first, ...rest.map((r: any[]) => r[r.length - 1])];
const packet = (fields: object): object => ({
  protocol: null, detail: null, source: null, destination: null, flags: null, icmp: null, chunks: [], options: [], ...fields,
});
const follow = (how: any, target: any, source: any, fields: object): object => ({
  kind: "follow", how, target, source, flags: null, icmp: null, options: [], ...fields,
});
%}
@lexer lexer

line
  -> setting    {% only %}
   | title      {% only %}
   | event      {% only %}
   | expects    {% ([terms]) => ({ kind: "terms", terms }) %}
   | wait       {% only %}
   | assertion  {% only %}

# ── what a script runs on ──────────────────────────────────────────────────────────────────────────────
setting
  -> settingName value          {% ([name, value]) => ({ kind: "setting", name, value }) %}
   | "sysctl" %pair             {% ([, key]) => ({ kind: "sysctl", key, value: null }) %}
   | "sysctl" %word "=" number  {% ([, key, , value]) => ({ kind: "sysctl", key, value }) %}
settingName
  -> "rules"   {% token %}
   | "rules6"  {% token %}
   | "host"    {% token %}
   | "seed"    {% token %}
value
  -> %word     {% token %}
   | %string   {% token %}
   | %number   {% token %}

title
  -> "test" %string  {% ([at, title]) => ({ kind: "test", at, title }) %}

# ── packets ────────────────────────────────────────────────────────────────────────────────────────────
event
  -> time:? label:? action expects:?
     {% ([time, label, action, terms]) => ({ kind: "event", time, label, action, terms: terms ?? [] }) %}
label
  -> %label    {% token %}
time
  -> %number   {% token %}
   | %delta    {% token %}
   | %duration {% token %}
wait
  -> "wait" %duration  {% ([, time]) => ({ kind: "wait", time }) %}

action
  -> device ">" packet  {% ([device, , packet]) => ({ kind: "packet", device, packet }) %}
   | "reply" to:? via:? answer  {% ([how, target, source, fields]) => follow(how, target, source, fields) %}
   | "then" after:? answer      {% ([how, target, fields]) => follow(how, target, null, fields) %}
   | "again" name:?             {% ([how, target]) => follow(how, target, null, {}) %}
to
  -> "to" name         {% ([, name]) => name %}
after
  -> "after" name      {% ([, name]) => name %}
via
  -> "from" %address   {% ([, address]) => address %}
answer
  -> %flags:? option:*          {% ([flags, options]) => ({ flags, options }) %}
   | icmpKind option:*          {% ([icmp, options]) => ({ icmp, options }) %}
device
  -> %word     {% token %}
   | %numeric  {% token %}
   | %bare     {% token %}
   | %string   {% token %}

packet
  -> body option:*  {% ([body, options]) => packet({ ...body, options: [...(body.options ?? []), ...options] }) %}
body
  -> "tcp" ends %flags:?              {% ([protocol, ends, flags]) => ({ protocol, ...ends, flags }) %}
   | ported ends                      {% ([protocol, ends]) => ({ protocol, ...ends }) %}
   | icmp ends icmpKind               {% ([protocol, ends, icmp]) => ({ protocol, ...ends, icmp }) %}
   | chunked ends vtag:? chunk:*
     {% ([protocol, ends, vtag, chunks]) => ({ protocol, ...ends, chunks, options: vtag === null ? [] : [vtag] }) %}
   | bareProtocol ends                {% ([protocol, ends]) => ({ protocol, ...ends }) %}
   | "proto" protocolName ends        {% ([protocol, detail, ends]) => ({ protocol, detail, ...ends }) %}
   | "raw" octets                     {% ([protocol, detail]) => ({ protocol, detail }) %}
   | ipName ends ":" "Flags" %flags   {% ([, ends, , flag, flags]) => ({ protocol: { ...flag, text: "tcp" }, ...ends, flags }) %}
   | ipName ends ":" "UDP"            {% ([, ends, , name]) => ({ protocol: { ...name, text: "udp" }, ...ends }) %}
ends
  -> %address ">" %address            {% ([source, , destination]) => ({ source, destination }) %}
# As tcpdump prints it: IP 10.0.0.2.4000 > 198.51.100.9.80: Flags [S], seq 0, win 65535, length 0
ipName
  -> "IP"       {% token %}
   | "IP6"      {% token %}
ported
  -> "udp"      {% token %}
   | "udplite"  {% token %}
icmp
  -> "icmp"     {% token %}
   | "icmp6"    {% token %}
chunked
  -> "sctp"     {% token %}
   | "dccp"     {% token %}
bareProtocol
  -> "gre"      {% token %}
   | "esp"      {% token %}
   | "ah"       {% token %}
protocolName
  -> %word      {% token %}
   | %number    {% token %}
octets
  -> %word      {% token %}
   | %number    {% token %}
   | %hex       {% token %}
   | %string    {% token %}

icmpKind
  -> %word about:?                       {% ([name, about]) => ({ name, type: null, code: null, about }) %}
   | "type" number codeOf:? about:?      {% ([name, type, code, about]) => ({ name: null, type, code, about }) %}
codeOf
  -> "code" number      {% ([, code]) => code %}
about
  -> "(" packet ")"     {% ([, packet]) => packet %}

vtag
  -> "vtag" number              {% ([name, value]) => ({ name, values: [value] }) %}
chunk
  -> "[" name chunkField:* "]"  {% ([, name, fields]) => ({ name, fields }) %}
chunkField
  -> name number                {% ([name, value]) => ({ name, values: [value] }) %}

option
  -> ",":? bareOption   {% ([, option]) => option %}
bareOption
  -> %numeric number                  {% ([name, value]) => ({ name, values: [value] }) %}
   | %bare                            {% ([name]) => ({ name, values: [] }) %}
   | "seq" number                     {% ([name, value]) => ({ name, values: [value] }) %}
   | "seq" %range                     {% ([name, value]) => ({ name, values: [value] }) %}
   | "length" number                  {% ([name, value]) => ({ name, values: [value] }) %}
   | "data" dataValue                 {% ([name, value]) => ({ name, values: [value] }) %}
   | "frag" %fragment                 {% ([name, value]) => ({ name, values: [value] }) %}
   | "cksum" cksumValue               {% ([name, value]) => ({ name, values: [value] }) %}
   | "ipcksum" cksumValue             {% ([name, value]) => ({ name, values: [value] }) %}
   | "target" %address                {% ([name, value]) => ({ name, values: [value] }) %}
   | "gateway" %address               {% ([name, value]) => ({ name, values: [value] }) %}
   | "rest" number                    {% ([name, value]) => ({ name, values: [value] }) %}
   | "mac" %mac                       {% ([name, value]) => ({ name, values: [value] }) %}
   | "mac" %mac ">" %mac              {% ([name, from, , to]) => ({ name, values: [from, to] }) %}
   | "TS" "val" number "ecr" number   {% ([name, , value, , echo]) => ({ name, values: [value, echo] }) %}
   | "sack" sackRanges                {% ([name, values]) => ({ name, values }) %}
   | "options" "[" tcpOptions "]"     {% ([name, , list]) => ({ name, values: [], list }) %}
sackRanges
  -> %range:+                         {% ([ranges]) => ranges %}
   | %number braced:+                 {% ([, ranges]) => ranges %}
braced
  -> "{" %range "}"                   {% ([, range]) => range %}
tcpOptions
  -> tcpOption (",":? tcpOption):*    {% listed %}
tcpOption
  -> %numeric number                  {% ([name, value]) => ({ name, values: [value] }) %}
   | %bare                            {% ([name]) => ({ name, values: [] }) %}
   | "TS" "val" number "ecr" number   {% ([name, , value, , echo]) => ({ name, values: [value, echo] }) %}
   | "sack" sackRanges                {% ([name, values]) => ({ name, values }) %}
   | "kind" number dataValue:?        {% ([name, kind, data]) => ({ name, values: data === null ? [kind] : [kind, data] }) %}
dataValue
  -> %string    {% token %}
   | %hex       {% token %}
cksumValue
  -> "bad"      {% token %}
   | "none"     {% token %}
   | number     {% token %}
number
  -> %number    {% token %}
   | %hex       {% token %}

# ── what must have happened ────────────────────────────────────────────────────────────────────────────
expects
  -> "=>" term ("," term):*   {% ([, first, rest]) => [first, ...rest.map((r: any[]) => r[1])].flat() %}
term
  -> verdict                  {% only %}
   | verdict decided          {% ([verdict, decided]) => [verdict, decided] %}
   | verdict "with" %flags decided:?    {% ([v, at, flags, by]) => [v, { kind: "with", at, flags, icmp: null }, by ?? []].flat() %}
   | verdict "with" icmpKind decided:?  {% ([v, at, icmp, by]) => [v, { kind: "with", at, flags: null, icmp }, by ?? []].flat() %}
   | decided                  {% only %}
   | "state" %word            {% ([at, value]) => ({ kind: "state", at, value }) %}
   | "path" %word             {% ([at, value]) => ({ kind: "path", at, value }) %}
   | "out" device             {% ([at, value]) => ({ kind: "out", at, value }) %}
   | "out" device ">" pattern {% ([at, device, , pattern]) => ({ kind: "emits", at, device, pattern }) %}
   | "nothing"                {% ([at]) => ({ kind: "nothing", at }) %}
   | "from" %address          {% ([at, value]) => ({ kind: "from", at, value }) %}
   | "to" %address            {% ([at, value]) => ({ kind: "to", at, value }) %}
   | "entry" %string          {% ([at, value]) => ({ kind: "entry", at, value }) %}
   | "no" "entry"             {% ([at]) => ({ kind: "no entry", at }) %}
   | "log" %string            {% ([at, value]) => ({ kind: "log", at, value }) %}
verdict
  -> "accept"   {% ([at]) => ({ kind: "verdict", at, verdict: "ACCEPT" }) %}
   | "drop"     {% ([at]) => ({ kind: "verdict", at, verdict: "DROP" }) %}
   | "reject"   {% ([at]) => ({ kind: "verdict", at, verdict: "REJECT" }) %}
   | "queued"   {% ([at]) => ({ kind: "verdict", at, verdict: "QUEUED" }) %}
decided
  -> "by" name name %number   {% ([at, table, chain, rule]) => ({ kind: "rule", at, table, chain, rule }) %}
   | "by" "policy"            {% ([at]) => ({ kind: "policy", at, table: null, chain: null }) %}
   | "by" "policy" name name  {% ([at, , table, chain]) => ({ kind: "policy", at, table, chain }) %}
   | "by" name name "policy"  {% ([at, table, chain]) => ({ kind: "policy", at, table, chain }) %}
   | "because" %string        {% ([at, value]) => ({ kind: "because", at, value }) %}
pattern
  -> patternBody patternOption:*
     {% ([body, options]) => packet({ ...body, options: [...(body.options ?? []), ...options] }) %}
   | patternOption:+               {% ([options]) => packet({ options }) %}
patternOption
  -> bareOption  {% only %}
patternBody
  -> body                          {% only %}
   | "tcp" %flags:?                {% ([protocol, flags]) => ({ protocol, flags }) %}
   | ported                        {% ([protocol]) => ({ protocol }) %}
   | icmp icmpKind:?               {% ([protocol, icmp]) => ({ protocol, icmp }) %}
   | chunked                       {% ([protocol]) => ({ protocol }) %}
   | bareProtocol                  {% ([protocol]) => ({ protocol }) %}

# ── what must hold afterwards ──────────────────────────────────────────────────────────────────────────
assertion
  -> time:? "expect" claim    {% ([time, , assertion]) => ({ kind: "assertion", time, assertion }) %}
claim
  -> counter name name ruleOf compare:? %number unit:?
     {% ([c, table, chain, rule, compare, packets, bytes]) => ({ kind: "counter", ...c, table, chain, rule, compare, packets, bytes }) %}
   | "connections" compare:? %number
     {% ([at, compare, count]) => ({ kind: "connections", at, compare, count }) %}
   | "entry" entryWord:+      {% ([at, words]) => ({ kind: "entry", at, none: false, words: words.flat() }) %}
   | "no" "entry" entryWord:+ {% ([at, , words]) => ({ kind: "entry", at, none: true, words: words.flat() }) %}
counter
  -> "counter"   {% ([at]) => ({ at, family: 4 }) %}
   | "counter6"  {% ([at]) => ({ at, family: 6 }) %}
compare
  -> %compare    {% token %}
   | ">"         {% token %}
ruleOf
  -> %number     {% token %}
   | "policy"    {% token %}
unit
  -> "packets"                        {% () => null %}
   | "packets" ",":? %number "bytes"  {% ([, , bytes]) => bytes %}
entryWord
  -> %word                {% ([word]) => [word] %}
   | %pair                {% ([word]) => [word] %}
   | %number              {% ([word]) => [word] %}
   | %string              {% ([word]) => [word] %}
   | "[" %word "]"        {% ([, word]) => [{ ...word, text: `[${word.text}]` }] %}

name
  -> %word      {% token %}
   | %numeric   {% token %}
   | %bare      {% token %}
   | %string    {% token %}
