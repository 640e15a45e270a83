/** What a watch tells, in ZooKeeper's numbers; the server only ever says that it is connected. Semantics §10. */
import type { WatchEventType } from '../model/watch-event.js'

const types: readonly WatchEventType[] = ['created', 'deleted', 'dataChanged', 'childrenChanged']

export const STATE_CONNECTED = 3

export function typeOfEvent(type: WatchEventType): number {
  return types.indexOf(type) + 1
}
