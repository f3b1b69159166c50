/** How large chains are that call each other: what must be known before a packet is sent into them. */

/** A chain, as far as it matters here. */
export interface Called {
  readonly source: { readonly length: number };
  /** Where its rules lead that jump or go. */
  readonly calls: readonly Called[];
}

/** How far a packet may have to go through chains that call each other. */
export interface Extent {
  /** Chains on the longest way along jumps. */
  readonly nesting: number;
  /** By chain: rules at most, if all of them matched and every jump came back. */
  readonly rules: ReadonlyMap<Called, number>;
}

/** Each chain is looked at once, however often it is called. There are no loops: the kernel would have refused them. */
export function extentOf(chains: readonly Called[]): Extent {
  const depth = new Map<Called, number>();
  const rules = new Map<Called, number>();
  let nesting = 0;
  for (const first of chains) {
    if (depth.has(first)) continue;
    const path = [{ chain: first, next: 0, below: 0, rules: first.source.length }];
    while (path.length > 0) {
      const here = path[path.length - 1];
      if (here.next < here.chain.calls.length) {
        const to = here.chain.calls[here.next];
        const known = depth.get(to);
        if (known === undefined) path.push({ chain: to, next: 0, below: 0, rules: to.source.length });
        else {
          here.below = Math.max(here.below, known);
          here.rules += rules.get(to)!;
          here.next++;
        }
      } else {
        depth.set(here.chain, here.below + 1);
        rules.set(here.chain, here.rules);
        nesting = Math.max(nesting, here.below + 1);
        path.pop();
      }
    }
  }
  return { nesting, rules };
}
