/** list:set: an ordered list of other sets, asked one after the other (ip_set_list_set.c). */
import type { Packet } from "../../packet/packet.ts";
import { extensionWords } from "./bitmap.ts";
import type { ElementOptions, Part } from "./element.ts";
import { SetError } from "./error.ts";
import { type ExtensionConfig, Extensions, IpSet, MATCH, NO_MATCH, type SetClock, type SetQuery } from "./set.ts";

export const LIST_TYPE = {
  name: "list:set",
  aliases: ["setlist"],
  dimensions: 1,
  canNomatch: false,
  parts: ["set"] as readonly Part[],
  create: ["size", "timeout", "counters", "comment", "skbinfo"],
} as const;

export interface ListConfig extends ExtensionConfig {
  /** Once the most members; today only printed. */
  readonly size: number;
}

/** What a name stands for: `swap` exchanges the sets behind two names. */
export interface SetSlot {
  set: IpSet;
}

interface Member {
  readonly slot: SetSlot;
  /** Number of its extensions. */
  readonly id: number;
}

export class ListSet extends IpSet {
  readonly config: ListConfig;
  #members: Member[] = [];
  #ids = 0;
  readonly #free: number[] = [];

  constructor(name: string, config: ListConfig, clock: SetClock) {
    super(name, LIST_TYPE, 0, new Extensions(config, clock, 0));
    this.config = config;
  }

  get size(): number {
    return this.#members.length;
  }

  /** Members' counters count too, unless the rule says otherwise; their values are not compared. */
  protected testPacket(p: Packet, q: SetQuery): number {
    const { matchCounters, skipCounters } = q;
    let answer = NO_MATCH;
    const members = this.#members;
    for (let i = 0; i < members.length; i++) {
      q.matchCounters = false;
      if (q.skipSubcounters) q.skipCounters = true;
      const found = members[i].slot.set.test(p, q);
      q.matchCounters = matchCounters;
      q.skipCounters = skipCounters;
      if (found && this.extensions.matches(members[i].id, p, q)) {
        answer = MATCH;
        break;
      }
    }
    return answer;
  }

  protected addPacket(p: Packet, q: SetQuery): number {
    for (const member of this.#members) if (!this.extensions.expired(member.id) && member.slot.set.add(p, q)) return 0;
    return 0;
  }

  protected deletePacket(p: Packet, q: SetQuery): number {
    for (const member of this.#members)
      if (!this.extensions.expired(member.id) && member.slot.set.delete(p, q)) return 0;
    return 0;
  }

  // ── text ───────────────────────────────────────────────────────────────────────────────────────────

  addMember(slot: SetSlot, reference: SetSlot | null, options: ElementOptions, exist: boolean): void {
    const members = this.#members;
    // A set beside itself is no place.
    const beside = reference === slot ? -1 : members.findIndex((member) => member.slot === reference);
    if (reference !== null && beside < 0) throw notReferred();
    const there = members.find((member) => member.slot === slot);
    if (there !== undefined) {
      if (!exist) throw new SetError("Element cannot be added to the set: it's already added");
      this.extensions.initFromText(there.id, options, false);
      return;
    }
    const id = this.#free.pop() ?? this.#ids++;
    this.extensions.grow(Math.max(this.#ids, 8));
    this.extensions.initFromText(id, options, true);
    slot.set.references++;
    const at = reference === null ? members.length : options.before !== null ? beside : beside + 1;
    members.splice(at, 0, { slot, id });
  }

  deleteMember(slot: SetSlot, reference: SetSlot | null, before: boolean, exist: boolean): void {
    const at = this.#members.findIndex((member) => member.slot === slot);
    if (reference !== null) {
      if (at < 0 || this.#members[at + (before ? 1 : -1)]?.slot !== reference) throw notReferred();
    } else if (at < 0) {
      if (exist) return;
      throw new SetError("Element cannot be deleted from the set: it's not added");
    }
    this.#release(this.#members.splice(at, 1)[0]);
  }

  flush(): void {
    for (const member of this.#members) this.#release(member);
    this.#members = [];
  }

  #release(member: Member): void {
    member.slot.set.references--;
    this.extensions.clear(member.id);
    this.#free.push(member.id);
  }

  header(): string {
    return ` size ${this.config.size}${extensionWords(this.config)}`;
  }

  elements(): string[] {
    return this.#members
      .filter((member) => !this.extensions.expired(member.id))
      .map((member) => member.slot.set.name + this.extensions.print(member.id, ""));
  }
}

function notReferred(): SetError {
  return new SetError("The set to which you referred with 'before' or 'after' is not added to the set.");
}
