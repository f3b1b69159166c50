/**
 * The IPv4 connections as they lie in memory: conntrack/records.ts, hash-index.ts and tuple-hash.ts say what the words mean
 * and do everything else with them; here is what happens for nearly every packet.
 */

import {
  CAPACITY,
  CONFIRMED,
  CONFIRMED_LAST,
  CONTROL,
  CREATED,
  DROP,
  EARLIEST,
  FREE,
  NOW,
  PAIRS,
  PAIRS_AT,
  PAIRS_END,
  PAIRS_MOST,
  RECORDS_AT,
  SEED,
  SHIFT,
  SIZE,
  TOP,
} from "./layout";
import { IN_USE, LINK, NODE4, NODES, ORDER, STATUS, STRIDE4, TIMEOUT } from "./record-words";
import { IPS_CONFIRMED } from "./status";

const WORD = 4;
const PAIR = 8;
const NODES_AT = NODES * WORD;
const REPLY_AT = (NODES + NODE4) * WORD;

export function control(index: i32): i32 {
  return load<i32>(CONTROL + index * WORD);
}

export function setControl(index: i32, value: i32): void {
  store<i32>(CONTROL + index * WORD, value);
}

/** Address of a connection's record. */
export function recordOf(handle: i32): i32 {
  return control(RECORDS_AT) + handle * (STRIDE4 * WORD);
}

/** conntrack/tuple-hash.ts: hash4. */
export function hashOf(source: i32, destination: i32, ports: i32, key: i32): i32 {
  const seed = control(SEED);
  const end = endOf(seed, source, ports >>> 16);
  const otherEnd = endOf(seed, destination, ports & 0xffff);
  let h = (end | 1) * (otherEnd | 1) + key * 0x27d4eb2f;
  h = (h ^ (h >>> 16)) * 0x85ebca6b;
  return h ^ (h >>> 15);
}

function endOf(seed: i32, address: i32, port: i32): i32 {
  let h = (address ^ seed) * 0xcc9e2d51;
  h = ((h ^ (h >>> 15)) + port) * 0x1b873593;
  return h ^ (h >>> 13);
}

function placeOf(hash: i32): i32 {
  return (((hash >>> control(SHIFT)) * 3) >>> control(DROP)) & -2;
}

/** Address of the first pair whose hash is not less than `hash`, or of the free pair before it. */
function seek(hash: i32): i32 {
  let at = control(PAIRS_AT) + placeOf(hash) * WORD;
  while (load<i32>(at, WORD) !== 0 && load<u32>(at) < (hash as u32)) at += PAIR;
  return at;
}

/** The node (handle << 1 | direction) that has this tuple, or 0. Entries that expired are not found. */
export function find(hash: i32, source: i32, destination: i32, ports: i32, key: i32): i32 {
  for (let at = seek(hash); load<i32>(at) === hash; at += PAIR) {
    const handle = load<i32>(at, WORD);
    if (handle === 0) return 0;
    const record = recordOf(handle);
    // Which direction it is cannot be predicted: so it is computed, not branched on.
    const direction = i32(differences(record + REPLY_AT, source, destination, ports, key) === 0);
    const node = record + NODES_AT + direction * (NODE4 * WORD);
    if (
      differences(node, source, destination, ports, key) === 0 &&
      load<i32>(record, TIMEOUT * WORD) - control(NOW) > 0
    )
      return (handle << 1) | direction;
  }
  return 0;
}

/** The address that packets of the direction come from. */
export function sourceOf(node: i32): i32 {
  return load<i32>(recordOf(node >>> 1) + NODES_AT + (node & 1) * (NODE4 * WORD));
}

function differences(node: i32, source: i32, destination: i32, ports: i32, key: i32): i32 {
  return (
    (load<i32>(node) ^ source) |
    (load<i32>(node, WORD) ^ destination) |
    (load<i32>(node, 2 * WORD) ^ ports) |
    (load<i32>(node, 3 * WORD) ^ key)
  );
}

/** A new unconfirmed connection, its tracker's words 0; 0 when there is no record left for it. Connections.create4. */
export function create(source: i32, destination: i32, ports: i32, replyPorts: i32, key: i32): i32 {
  let handle = control(FREE);
  if (handle !== 0) {
    const record = recordOf(handle);
    setControl(FREE, load<i32>(record, LINK * WORD));
    memory.fill(record, 0, NODES_AT);
  } else {
    if (control(TOP) === control(CAPACITY)) return 0;
    handle = control(TOP) + 1;
    setControl(TOP, handle);
  }
  const created = control(CREATED) + 1;
  setControl(CREATED, created);
  setControl(SIZE, control(SIZE) + 1);
  const record = recordOf(handle);
  store<i32>(record, IN_USE, STATUS * WORD);
  store<i32>(record, created, ORDER * WORD);
  store<i32>(record, source, NODES_AT);
  store<i32>(record, destination, NODES_AT + WORD);
  store<i32>(record, ports, NODES_AT + 2 * WORD);
  store<i32>(record, key, NODES_AT + 3 * WORD);
  store<i32>(record, destination, REPLY_AT);
  store<i32>(record, source, REPLY_AT + WORD);
  store<i32>(record, replyPorts, REPLY_AT + 2 * WORD);
  store<i32>(record, key, REPLY_AT + 3 * WORD);
  return handle;
}

/** Will expire `jiffies` from now. */
export function refresh(record: i32, jiffies: i32): void {
  const timeout = control(NOW) + jiffies;
  store<i32>(record, timeout, TIMEOUT * WORD);
  if (timeout - control(EARLIEST) < 0) setControl(EARLIEST, timeout);
}

/**
 * Connections.insert: puts an unconfirmed connection into the index and starts its timeout. 0: nothing was done, because
 * another may have one of its tuples, or the index is full.
 */
export function insert(handle: i32): i32 {
  const record = recordOf(handle);
  const hash = hashOfNode(record + NODES_AT);
  const replyHash = hashOfNode(record + REPLY_AT);
  const pairs = replyHash === hash ? 1 : 2;
  if (control(PAIRS) + pairs > control(PAIRS_MOST)) return 0;
  const at = seek(hash);
  if (isTaken(at, hash) || (pairs === 2 && isTaken(seek(replyHash), replyHash))) return 0;
  setControl(PAIRS, control(PAIRS) + pairs);
  let last = shiftIn(at, hash, handle);
  if (pairs === 2) {
    const end = shiftIn(seek(replyHash), replyHash, handle);
    if (end > last) last = end;
  }
  store<i32>(record, load<i32>(record, STATUS * WORD) | IPS_CONFIRMED, STATUS * WORD);
  refresh(record, load<i32>(record, TIMEOUT * WORD));
  return last >= control(PAIRS_AT) + control(PAIRS_END) * WORD ? CONFIRMED_LAST : CONFIRMED;
}

function hashOfNode(node: i32): i32 {
  return hashOf(load<i32>(node), load<i32>(node, WORD), load<i32>(node, 2 * WORD), load<i32>(node, 3 * WORD));
}

/** Is there a pair with this hash? */
export function hasHash(hash: i32): bool {
  return isTaken(seek(hash), hash);
}

function isTaken(at: i32, hash: i32): bool {
  return load<i32>(at, WORD) !== 0 && load<i32>(at) === hash;
}

/** Puts a pair where `at` says, and those that stand there one further on. Returns the address behind the last. */
function shiftIn(at: i32, hash: i32, handle: i32): i32 {
  while (handle !== 0) {
    const shiftedHash = load<i32>(at);
    const shifted = load<i32>(at, WORD);
    store<i32>(at, hash);
    store<i32>(at, handle, WORD);
    hash = shiftedHash;
    handle = shifted;
    at += PAIR;
  }
  return at;
}
