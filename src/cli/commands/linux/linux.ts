import { startEngine } from '../../../linux/repl/engine.ts';
import type { Answer, Request } from '../../../linux/repl/engine-words.ts';
import { converse } from '../../live/linux-prompt.ts';
import { defineVerb } from '../../verb.ts';

interface LinuxFlags {
  readonly evaluate?: readonly string[];
}

/** Linux's own functions, typed at. */
export const verb = defineVerb<LinuxFlags>({
  examples: [
    ['coax linux', 'type libc.getpid() and see'],
    [`coax linux -e "libc.strlen('hello')"`, 'print one value, and end'],
    [
      `coax linux -e "const u = struct('utsname'); libc.uname(u); u.release"`,
      'a struct that a call fills in',
    ],
  ],
  details: [
    "Every function of libc and libm can be called by its name with JavaScript's values, `libc.fopen('/tmp/x', 'w')`: their types come from a table that was made from the headers, as do the constants (O_CREAT, or C.O_CREAT) and the structs (struct('stat')). A call that fails throws the errno's name. A pointer is a bigint; text(p) and bytes(p, n) read there.",
    'Arguments are checked before each call: a number where a pointer belongs, or an address where there is no memory, is refused. What gets through all the same ends only the process that evaluates; the prompt says so and goes on with a new one.',
    'At the prompt: .doc NAME, .time EXPRESSION, .load FILE HEADER [NAME], .help, .exit. Lines are kept for the next time. Tab completes.',
  ],
  options: [
    {
      flags: '-e, --evaluate <code>',
      about: 'Evaluate this and print its value; may be given several times',
      repeats: true,
    },
  ],
  statuses: [
    [0, 'evaluated'],
    [1, 'what was evaluated threw, or ended its process'],
  ],
  async run(context, _args, { evaluate }) {
    const { out } = context;
    using engine = startEngine(evaluate === undefined && out.stdout.isTTY === true);
    if (evaluate === undefined) return await converse(engine, out);
    for (const code of evaluate) {
      const told = await engine.ask({ kind: 'evaluate', code } satisfies Request);
      if ('ended' in told) {
        out.hint(`the process that evaluated it ended: ${told.ended}`);
        return 1;
      }
      const answer: Answer = told.answer;
      if (answer.kind === 'value') {
        if (answer.text !== '') out.line(answer.text);
        continue;
      }
      if (answer.kind === 'error') {
        out.hint(answer.text);
        if (answer.hint) out.hint(`  ${answer.hint}`);
      } else out.hint('the code is not complete');
      return 1;
    }
    return 0;
  },
});
