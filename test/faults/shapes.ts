/**
 * The five shapes of a partition (invariants §4.1), as the directions in which nothing passes any more.
 *
 * Pure: who leads and how many there are comes in, and chance where a shape leaves something open.
 */
import type { Chance } from '../crash/chance.js'
import type { Direction } from '../crash/network.js'

export const shapes = ['leader isolated', 'minority', 'one way', 'bridge node', 'no majority'] as const
export type Shape = (typeof shapes)[number]

export interface Partition {
  readonly shape: Shape
  readonly cut: readonly Direction[]
  /** Those who must serve nevertheless: they are a majority, and hear each other. Nobody, when there is none. */
  readonly serving: readonly number[]
  readonly what: string
}

export function partition(shape: Shape, members: readonly number[], leader: number, chance: Chance): Partition {
  const others = shuffled(
    members.filter(each => each !== leader),
    chance,
  )
  switch (shape) {
    case 'leader isolated':
      return { shape, cut: between([[leader], others]), serving: others, what: `leader ${leader} alone` }
    case 'minority': {
      // The leader is on either side, but never alone where more than one may be.
      const small = Math.floor((members.length - 1) / 2)
      const withLeader = small > 1 && chance.next() < 0.5
      const minority = withLeader ? [leader, ...others.slice(0, small - 1)] : others.slice(0, small)
      const majority = members.filter(each => !minority.includes(each))
      return { shape, cut: between([minority, majority]), serving: majority, what: sides([minority, majority]) }
    }
    case 'one way': {
      // What the leader says is lost, or what is said to it; to or from everybody, or one.
      const deaf = chance.next() < 0.5
      const whom = chance.next() < 0.5 ? others : others.slice(0, 1)
      const cut = whom.map((other): Direction => (deaf ? [other, leader] : [leader, other]))
      const what = deaf
        ? `leader ${leader} does not hear ${whom.join(', ')}`
        : `${whom.join(', ')} do not hear leader ${leader}`
      return { shape, cut, serving: whom === others ? others : members.filter(each => !whom.includes(each)), what }
    }
    case 'bridge node': {
      const bridge = chance.next() < 0.5 ? leader : others.at(-1)!
      const rest = shuffled(
        members.filter(each => each !== bridge),
        chance,
      )
      const half = Math.ceil(rest.length / 2)
      const parts = [rest.slice(0, half), rest.slice(half)]
      const serving = leader === bridge ? members : [bridge, ...parts.find(part => part.includes(leader))!]
      return { shape, cut: between(parts), serving, what: `${sides(parts)}, and ${bridge} hears both` }
    }
    case 'no majority': {
      const parts =
        members.length === 3 ? members.map(each => [each]) : [[leader, others[0]!], others.slice(1, 3), others.slice(3)]
      return { shape, cut: between(parts), serving: [], what: sides(parts) }
    }
  }
}

/** Both directions between every two that are in different parts. */
function between(parts: readonly (readonly number[])[]): Direction[] {
  return parts.flatMap((part, index) =>
    part.flatMap(from =>
      parts.flatMap((other, otherIndex) => (otherIndex === index ? [] : other.map((to): Direction => [from, to]))),
    ),
  )
}

function sides(parts: readonly (readonly number[])[]): string {
  return parts.map(part => part.join(',')).join(' | ')
}

function shuffled<T>(items: readonly T[], chance: Chance): T[] {
  return items
    .map(item => ({ item, at: chance.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item)
}
