# The shape of one line of iptables-save text or of one iptables command. What the words mean is not known here:
# grammar/rules-lexer.ts and src/rules/scope.ts class each word by what the option before it takes, and
# src/rules/rule-line.ts reads the values. Adding an extension changes nothing in this file.

@preprocessor typescript
@{%
import { shapeLexer } from "../rules-lexer.ts";

export interface Item {
  /** Index of the `!` before the option, or -1. */
  not: number;
  /** Index of the option's word, and of the words it takes. */
  option: number;
  values: number[];
}

const index = (token: any): number => token.value;
const rule = (items: any[]): object => ({ kind: "rule", items });
%}
@lexer shapeLexer

line
  -> %star %word %word:*                 {% () => ({ kind: "table", items: [] }) %}
   | %colon %word %word %word:*          {% () => ({ kind: "chain", items: [] }) %}
   | item:*                              {% ([items]) => rule(items) %}
   | item:* %end                         {% ([items]) => rule(items) %}

item
  -> option                              {% ([option]) => ({ not: -1, ...option }) %}
   | %not option                         {% ([not, option]) => ({ not: index(not), ...option }) %}

# flag: complete by itself; taking: one word follows; pair: a second may follow; asking, listing: one, two may follow.
option
  -> %flag                               {% ([o]) => ({ option: index(o), values: [] }) %}
   | %taking %value                      {% ([o, v]) => ({ option: index(o), values: [index(v)] }) %}
   | %pair %value                        {% ([o, v]) => ({ option: index(o), values: [index(v)] }) %}
   | %pair %value %argument              {% ([o, v, a]) => ({ option: index(o), values: [index(v), index(a)] }) %}
   | %asking                             {% ([o]) => ({ option: index(o), values: [] }) %}
   | %asking %argument                   {% ([o, a]) => ({ option: index(o), values: [index(a)] }) %}
   | %listing                            {% ([o]) => ({ option: index(o), values: [] }) %}
   | %listing %argument                  {% ([o, a]) => ({ option: index(o), values: [index(a)] }) %}
   | %listing %argument %argument        {% ([o, a, b]) => ({ option: index(o), values: [index(a), index(b)] }) %}
