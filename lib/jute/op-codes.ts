/** ZooKeeper's numbers for what a client can ask, and for the messages that are nobody's answer. Semantics §5, §6. */
import type { Zxid } from '../model/zxid.js'

export const OpCode = {
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getAcl: 6,
  setAcl: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  deleteContainer: 20,
  createTtl: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  createSession: -10,
  closeSession: -11,
  /** In a result of a multi: this step failed. Never asked for. */
  error: -1,
} as const

/** What stands in the place of a zxid where there is none: −1. */
export const NO_ZXID: Zxid = Object.freeze({ epoch: 0xffffffff, counter: 0xffffffff })

/** Transaction numbers with a meaning of their own; a client's requests count up from 1. */
export const Xid = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const
