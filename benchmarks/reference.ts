/**
 * What Apache ZooKeeper 3.8.0 did with three servers on a 2-core machine, fsync before acknowledging: the yardstick of the ratios.
 * CPU is the three servers' alone; ours includes the clients, which live in the members.
 */
export interface Reference {
  readonly perSecond: number
  readonly cpuMs: number
}

export const zookeeperSet: ReadonlyMap<number, Reference> = new Map([
  [1, { perSecond: 751, cpuMs: 1.07 }],
  [8, { perSecond: 2626, cpuMs: 0.57 }],
  [64, { perSecond: 6609, cpuMs: 0.25 }],
  [512, { perSecond: 10_755, cpuMs: 0.133 }],
])

export const zookeeperGet: ReadonlyMap<number, Reference> = new Map([
  [1, { perSecond: 5354, cpuMs: 0.14 }],
  [8, { perSecond: 10_282, cpuMs: 0.11 }],
  [64, { perSecond: 25_538, cpuMs: 0.054 }],
  [512, { perSecond: 34_422, cpuMs: 0.041 }],
])
