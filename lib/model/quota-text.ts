/**
 * The text of a quota's limits and of its statistics: `count=2,bytes=30`, with hard limits `count=2,bytes=30=;byteHardLimit=40;countHardLimit=5`. Clients
 * write limits and read both, so the form is ZooKeeper's to the letter, the odd `=` included, which made its older releases ignore the rest.
 *
 * Always holds: any bytes can be read; what is no pair of a name and a whole number counts as not there. Used by core/tree/quotas.ts.
 * ZooKeeper: StatsTrack.
 */
export interface QuotaNumbers {
  /** −1: no limit, or unknown. */
  readonly count: number
  readonly bytes: number
  readonly countHardLimit: number
  readonly byteHardLimit: number
  /** Every pair, those above included. */
  readonly all: ReadonlyMap<string, number>
}

const NONE = -1

export function readQuota(text: string): QuotaNumbers {
  const all = new Map<string, number>()
  for (const pair of text.split(/[,;]/)) {
    const [name = '', value = ''] = pair.split('=')
    const number = value === '' ? NONE : Number(value)
    if (name !== '' && /^[+-]?\d*$/.test(value) && Number.isSafeInteger(number)) all.set(name, number)
  }
  const of = (name: string) => all.get(name) ?? NONE
  return {
    count: of('count'),
    bytes: of('bytes'),
    countHardLimit: of('countHardLimit'),
    byteHardLimit: of('byteHardLimit'),
    all,
  }
}

/** `kept`: further pairs, sorted by their names. */
export function writeQuota(count: number, bytes: number, kept: ReadonlyMap<string, number> = new Map()): string {
  const further = [...kept.keys()].filter(name => name !== 'count' && name !== 'bytes').sort()
  const text = `count=${count},bytes=${bytes}`
  return further.length === 0 ? text : `${text}=;${further.map(name => `${name}=${kept.get(name)}`).join(';')}`
}
