/**
 * Where many stories begin. Peer 3 of three leads, unless there are more; a story goes on with what is particular to it.
 *
 * Before: the stories. After: script.ts.
 */

import { isAfter } from '../../../lib/model/zxid.js'
import type { WorldOptions } from '../../../lib/testing/world.js'
import { Script } from './script.js'

type Options = Partial<WorldOptions>

/** So many writes have been made, by a client of the leader or of the peer `at`. */
export function withWrites(count: number, { at, voters = 3, ...rest }: Options & { readonly at?: number } = {}) {
  const script = Script.begin(voters, rest)
  const teller = script.client(at ?? voters)
  script.writes(teller, count)
  return { script, teller }
}

/** 1 is down, and so many writes behind: up to `place`, before `since`. */
export function late(missed: number, options: Options = {}) {
  const { script, teller } = withWrites(2, options)
  script.crash(1)
  script.writes(teller, missed)
  return { script, teller, place: script.lastOn(3), since: script.minutes.event }
}

/** 1 is down, and the logs of the others no longer reach back to it. */
export function farBehind() {
  const { script, teller } = late(10, { checkpointEntries: 8, entriesKept: 0 })
  for (const id of [3, 2])
    script.until('its log begins behind what 1 has', () => isAfter(script.peer(id).disk.base, script.lastOn(1)))
  return { script, teller, since: script.minutes.event }
}
