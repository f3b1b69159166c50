/** What kind of address an IPv6 address is (addrconf_core.c: __ipv6_addr_type), its scope and label (RFC 6724). */

export const ADDR_ANY = 0;
export const ADDR_UNICAST = 1;
export const ADDR_MULTICAST = 2;
export const ADDR_LOOPBACK = 0x10;
export const ADDR_LINKLOCAL = 0x20;
export const ADDR_SITELOCAL = 0x40;
export const ADDR_COMPAT_V4 = 0x80;
export const ADDR_MAPPED = 0x1000;

/** RFC 4291 scopes, as `scope6` gives them. */
export const SCOPE_INTERFACE = 1;
export const SCOPE_LINK = 2;
export const SCOPE_SITE = 5;
export const SCOPE_GLOBAL = 14;

/** Bits ADDR_*. */
export function addressKind6(w0: number, w1: number, w2: number, w3: number): number {
  const top = w0 & 0xe0000000;
  if (top !== 0 && top !== (0xe0000000 | 0)) return ADDR_UNICAST;
  if (w0 >>> 24 === 0xff) {
    const scope = (w0 >>> 16) & 15;
    if (scope === SCOPE_INTERFACE) return ADDR_MULTICAST | ADDR_LOOPBACK;
    if (scope === SCOPE_LINK) return ADDR_MULTICAST | ADDR_LINKLOCAL;
    if (scope === SCOPE_SITE) return ADDR_MULTICAST | ADDR_SITELOCAL;
    return ADDR_MULTICAST;
  }
  if (w0 >>> 22 === 0x3fa) return ADDR_UNICAST | ADDR_LINKLOCAL;
  if (w0 >>> 22 === 0x3fb) return ADDR_UNICAST | ADDR_SITELOCAL;
  if (w0 === 0 && w1 === 0) {
    if (w2 === 0) {
      if (w3 === 0) return ADDR_ANY;
      return w3 === 1 ? ADDR_UNICAST | ADDR_LOOPBACK : ADDR_UNICAST | ADDR_COMPAT_V4;
    }
    if (w2 === 0xffff) return ADDR_MAPPED;
  }
  return ADDR_UNICAST;
}

/** The scope of an address for source selection; -1 for the unspecified address, which has none. */
export function scope6(w0: number, w1: number, w2: number, w3: number): number {
  const kind = addressKind6(w0, w1, w2, w3);
  if (kind & ADDR_MULTICAST) return (w0 >>> 16) & 15;
  if (kind & (ADDR_LINKLOCAL | ADDR_LOOPBACK)) return SCOPE_LINK;
  if (kind & ADDR_SITELOCAL) return SCOPE_SITE;
  return kind === ADDR_ANY ? -1 : SCOPE_GLOBAL;
}

/** The default policy table (addrlabel.c): longest prefix first. */
export function label6(w0: number, w1: number, w2: number, w3: number): number {
  if (w0 === 0 && w1 === 0 && w2 === 0) return w3 === 1 ? 0 : 3; //        ::1/128, ::/96
  if (w0 === 0 && w1 === 0 && w2 === 0xffff) return 4; //                  ::ffff:0:0/96
  if (w0 === 0x20010000) return 6; //                                      2001::/32, Teredo
  if (isOrchid(w0)) return 7; //                                           2001:10::/28
  if (w0 >>> 16 === 0x2002) return 2; //                                   2002::/16, 6to4
  if (w0 >>> 16 === 0x3ffe) return 12; //                                  3ffe::/16, 6bone
  if (w0 >>> 22 === 0x3fb) return 11; //                                   fec0::/10
  if (w0 >>> 25 === 0x7e) return 5; //                                     fc00::/7
  return 1; //                                                             ::/0
}

/** 2001:10::/28 */
export function isOrchid(w0: number): boolean {
  return (w0 & 0xfffffff0) === 0x20010010;
}

/** rt6_need_strict: such destinations mean nothing without their link. */
export function needsLink6(kind: number): boolean {
  return (kind & (ADDR_MULTICAST | ADDR_LINKLOCAL | ADDR_LOOPBACK)) !== 0;
}

/** How many leading bits two addresses share: 0 … 128. */
export function commonBits6(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < 4; i++) if (a[i] !== b[i]) return 32 * i + Math.clz32(a[i] ^ b[i]);
  return 128;
}
