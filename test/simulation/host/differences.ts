/** How what was read of a znode differs from what there was, or could be at all. Used by session-history.ts and stream-history.ts. */
import type { Stat } from '../../../lib/client/stat.js'
import type { ZnodeState } from './chain.js'

/** Why a znode that was read is not what there was. */
export function differs(state: ZnodeState | undefined, value: string, stat: Stat): string | undefined {
  if (state === undefined) return 'there was none'
  if (state.value !== value) return `value ${value.slice(0, 20)}, was ${state.value.slice(0, 20)}`
  return differing(state.stat, stat)
}

/** The same, of a znode whose children and ACL may have changed meanwhile. */
export function differsAtAll(state: ZnodeState | undefined, value: string, stat: Stat): string | undefined {
  const { pzxid, cversion, numChildren, aversion } = stat
  return differs(state && { ...state, stat: { ...state.stat, pzxid, cversion, numChildren, aversion } }, value, stat)
}

export function differing(was: Stat, stat: Stat): string | undefined {
  for (const name of Object.keys(was) as (keyof Stat)[])
    if (was[name] !== stat[name]) return `${name} ${stat[name]}, was ${was[name]}`
  return undefined
}

/** C12: why a Stat cannot be, whatever the znode is. */
export function impossible({ czxid, mzxid, pzxid, ctime, mtime, dataLength }: Stat, bytes: number): string | undefined {
  if (czxid > mzxid || czxid > pzxid) return `created at ${czxid}, changed at ${mzxid}, its children at ${pzxid}`
  if (ctime > mtime) return `created at ${ctime} ms, changed at ${mtime} ms`
  return dataLength === bytes ? undefined : `${bytes} bytes, said to be ${dataLength}`
}
