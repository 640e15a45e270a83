// What the spikes share: each variant runs in a process of its own (no variant warms or spoils another), rounds are
// interleaved (a noisy minute hits all variants alike), and what is printed is the median of the rounds.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const median = numbers => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]

/** `variants`: name → (possibly async) function returning one flat object of figures. */
export async function compare(url, variants, { rounds = 3 } = {}) {
  const only = process.argv[2]
  if (only !== undefined) {
    console.log(JSON.stringify(await variants[only]()))
    return
  }
  const results = new Map(Object.keys(variants).map(name => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const [name, figures] of results) {
      const out = execFileSync(process.execPath, ['--expose-gc', fileURLToPath(url), name], { encoding: 'utf8' })
      figures.push(JSON.parse(out))
    }
  }
  print(results)
}

function print(results) {
  const columns = [...new Set([...results.values()].flatMap(figures => Object.keys(figures[0])))]
  console.log(`| variant | ${columns.join(' | ')} |\n|---|${columns.map(() => '---:|').join('')}`)
  for (const [name, figures] of results) {
    const cells = columns.map(c => (c in figures[0] ? short(median(figures.map(f => f[c]))) : '–'))
    console.log(`| ${name} | ${cells.join(' | ')} |`)
  }
}

const short = n => (Math.abs(n) >= 100 ? Math.round(n).toLocaleString('en') : String(Number(n.toPrecision(3))))

/** Median nanoseconds of wall clock and of CPU (all threads: GC and JIT too) for one `body(i)`, which does `per` things. */
export function nanoseconds(body, { per = 1, calls = 1000, slice = 60, slices = 5 } = {}) {
  let i = 0
  const run = ms => {
    const cpu = process.cpuUsage()
    const start = performance.now()
    let done = 0
    do {
      for (let k = 0; k < calls; k++) body(i++)
      done += calls
    } while (performance.now() - start < ms)
    const wall = ((performance.now() - start) * 1e6) / done / per
    const used = process.cpuUsage(cpu)
    return { wall, cpu: ((used.user + used.system) * 1000) / done / per }
  }
  run(slice)
  run(slice)
  const runs = Array.from({ length: slices }, () => run(slice))
  return { wall: median(runs.map(r => r.wall)), cpu: median(runs.map(r => r.cpu)) }
}

export function settle() {
  for (let i = 0; i < 3; i++) globalThis.gc?.()
}
