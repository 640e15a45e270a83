/**
 * What a client missed between two connections. It tells its watches and the last zxid it saw (setWatches); each standard
 * watch either fires now, if a change of its kind happened since, or stands again. Persistent watches only stand again.
 *
 * Known and intended, as in ZooKeeper: a znode created and deleted in the gap is not seen by an existence watch; one deleted
 * and created again is one dataChanged. The events are made up, so they have no zxid.
 * Source: ZooKeeper, DataTree.setWatches. Before: operations/set-watches. After: the reply to setWatches, behind these events.
 */
import type { SetWatchesRequest } from '../../model/request.js'
import type { WatchEventType } from '../../model/watch-event.js'
import { isAfter, type Zxid } from '../../model/zxid.js'

/** What of a znode's Stat tells whether it changed. */
export interface Seen {
  readonly czxid: Zxid
  readonly mzxid: Zxid
  readonly pzxid: Zxid
}
/** The replica at this moment; undefined for a missing znode. */
export type Look = (path: string) => Seen | undefined

/** What to do about one watch: tell `event`, or, if that is undefined, register it again. */
export type Verdict = (path: string, event: WatchEventType | undefined) => void

export interface Verdicts {
  readonly data: Verdict
  readonly exist: Verdict
  readonly child: Verdict
}

/** Judges the standard watches of `request`, list by list in order; each verdict is given before the next znode is looked at. */
export function judgeMissed(request: SetWatchesRequest, look: Look, verdicts: Verdicts): void {
  for (const path of request.data) {
    const seen = look(path)
    if (seen === undefined) verdicts.data(path, 'deleted')
    else verdicts.data(path, isAfter(seen.mzxid, request.since) ? 'dataChanged' : undefined)
  }
  for (const path of request.exist) {
    verdicts.exist(path, look(path) === undefined ? undefined : 'created')
  }
  for (const path of request.child) {
    const seen = look(path)
    if (seen === undefined) verdicts.child(path, 'deleted')
    else verdicts.child(path, isAfter(seen.pzxid, request.since) ? 'childrenChanged' : undefined)
  }
}
