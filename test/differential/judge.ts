/** Plays one sequence on both sides, step by step, and tells the first difference. A failing sequence is cut down as far as it goes on failing. */
import { Correspondence, difference } from './compare.js'
import { type Step, sequenceOf } from './sequence.js'
import { Side } from './side.js'

export interface Court {
  readonly reference: readonly number[]
  readonly ours: readonly number[]
}

export interface Verdict {
  readonly steps: readonly Step[]
  /** The step at which they differ, and how. */
  readonly at: number
  readonly why: string
}

let roots = 0
const FIRST_TIME = `${process.pid.toString(36)}-${Date.now().toString(36)}`

/** Below a root of its own, each time. */
function freshRoot(): string {
  roots += 1
  return `/${FIRST_TIME}-${roots}`
}

/** Undefined when both said the same. */
export async function judge(court: Court, seed: number, asks: number): Promise<Verdict | undefined> {
  return play(court, seed, sequenceOf(seed, asks, ROOT))
}

/** Stands in a sequence for the root that it will get. */
const ROOT = '/ROOT'

export async function play(court: Court, seed: number, steps: readonly Step[]): Promise<Verdict | undefined> {
  const root = freshRoot()
  const rooted = JSON.parse(JSON.stringify(steps).replaceAll(ROOT, root)) as Step[]
  const begin: Step = {
    kind: 'batch',
    session: 0,
    asked: [{ op: 'create', code: 1, path: root, data: null, acl: [[31, 'world', 'anyone']], flags: 0 }],
  }
  const sides = [new Side(court.reference, 0), new Side(court.ours, seed)] as const
  const known = new Correspondence()
  try {
    for (const [at, step] of [begin, ...rooted].entries()) {
      const [reference, ours] = await Promise.all([heardBy(sides[0], step), heardBy(sides[1], step)])
      const failure = typeof reference === 'string' ? reference : typeof ours === 'string' ? ours : undefined
      const why = failure ?? difference(step, reference as never, ours as never, known)
      if (why !== undefined) return { steps, at: at - 1, why: why.replaceAll(root, ROOT) }
    }
    return undefined
  } finally {
    await Promise.allSettled(sides.map(side => side.close()))
  }
}

async function heardBy(side: Side, step: Step) {
  try {
    return await side.play(step)
  } catch (error) {
    return `the client is at a loss: ${error instanceof Error ? error.message : error}`
  }
}

/** Leaves out steps, then single asks of a batch, as long as the rest differs too. */
export async function shrink(court: Court, seed: number, verdict: Verdict): Promise<Verdict> {
  let best: Verdict = { ...verdict, steps: verdict.steps.slice(0, verdict.at + 1) }
  const attempt = async (steps: readonly Step[]): Promise<boolean> => {
    const found = await play(court, seed, steps)
    if (found === undefined || found.at < 0) return false
    best = { ...found, steps: found.steps.slice(0, found.at + 1) }
    return true
  }
  for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = Math.max(0, best.steps.length - 1 - size); from >= 0; from -= size) {
      if (from < best.steps.length) await attempt([...best.steps.slice(0, from), ...best.steps.slice(from + size)])
    }
  }
  for (let at = best.steps.length - 1; at >= 0; at--) {
    for (let ask = 0; ; ask++) {
      const step = best.steps[at]
      if (step?.kind !== 'batch' || step.asked.length === 1 || ask >= step.asked.length) break
      const asked = step.asked.filter((_, index) => index !== ask)
      if (await attempt(best.steps.map((each, index) => (index === at ? { ...step, asked } : each)))) ask -= 1
    }
  }
  return best
}

export function described({ steps, why }: Verdict, seed: number): string {
  return [`seed ${seed}: ${why}`, 'after:', ...steps.map(step => `  ${JSON.stringify(step, shortened)}`)].join('\n')
}

function shortened(_name: string, value: unknown): unknown {
  return typeof value === 'string' && value.length > 60 ? `${value.slice(0, 5)}… (${value.length})` : value
}
