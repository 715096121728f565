import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { CoaxError } from '../errors/coax-error.ts';
import { closeSpawners, spawnerPids } from '../linux/process/run-process.ts';
import type { Parameters } from '../message/message.ts';
import type { StepOutcome } from '../message/outcome.ts';
import type { StepCall } from './contract.ts';
import { UNDECLARED } from './executable/module-file.ts';
import { makeExecutable } from './executable.ts';
import { loadExecutables } from './load-executables.ts';
import { readRecordedInput, runRecorded } from './run-recorded.ts';

const root = mkdtempSync(join(tmpdir(), 'coax-step-'));
after(async () => {
  await closeSpawners();
  rmSync(root, { recursive: true });
});

let files = 0;

/** Writes a program into a module's folder of its own; gives its path. */
function program(content: string, mode = 0o755): string {
  const folder = join(root, `m${++files}`);
  mkdirSync(folder);
  const file = join(folder, 'act');
  writeFileSync(file, content);
  chmodSync(file, mode);
  return file;
}

function callOf(more: Partial<StepCall> = {}): StepCall {
  return {
    msgid: 141592,
    step: 1,
    attempt: 1,
    key: '141592.1',
    fence: 7,
    mode: 'normal',
    parameters: {},
    output: {},
    host: null,
    worker: 'test',
    timeoutMs: 60_000,
    signal: new AbortController().signal,
    log() {},
    detail() {},
    ...more,
  };
}

async function run(script: string, more: Partial<StepCall> = {}): Promise<StepOutcome> {
  return await makeExecutable('m', 'act', program(`#!/bin/sh\n${script}\n`), UNDECLARED).run(callOf(more));
}

function failure(outcome: StepOutcome): {
  kind: string;
  code: string;
  reason: string;
  log: string | undefined;
} {
  assert.notEqual(outcome.kind, 'ok');
  if (outcome.kind === 'ok') throw new Error('ok');
  const { code, reason, log } = outcome.error;
  return { kind: outcome.kind, code, reason, log };
}

function setOf(outcome: StepOutcome): Parameters {
  if (outcome.kind !== 'ok') assert.fail(`${outcome.error.code}: ${outcome.error.reason}`);
  return outcome.set;
}

describe('an executable is given', { concurrency: 4 }, () => {
  test('the call as one line of JSON, and a scrubbed environment', async () => {
    process.env.COAX_TEST_SECRET = 'leak';
    const parameters = { cpu: 2, name: 'web 1', 'disk.size': 10, tags: ['a'], on: true, none: null };
    const script = `read -r line; echo "$line" > input; env | sort > env; pwd > cwd; echo '{}'`;
    const file = program(`#!/bin/sh\n${script}\n`);
    const outcome = await makeExecutable('m', 'act', file, UNDECLARED).run(
      callOf({ parameters, host: 'h1' }),
    );
    assert.deepEqual(setOf(outcome), {});
    const kept = (name: string): string => readFileSync(join(file, '..', name), 'utf8');
    assert.deepEqual(JSON.parse(kept('input')), {
      msgid: 141592,
      step: 1,
      attempt: 1,
      key: '141592.1',
      fence: 7,
      mode: 'do',
      host: 'h1',
      parameters,
      output: {},
    });
    assert.deepEqual(
      kept('env')
        .trim()
        .split('\n')
        .filter(line => !/^(PWD|_|SHLVL|OLDPWD)=/.test(line)), // those are sh's own
      [
        'COAX_ATTEMPT=1',
        'COAX_FENCE=7',
        'COAX_HOST=h1',
        'COAX_KEY=141592.1',
        'COAX_MODE=do',
        'COAX_MSGID=141592',
        'COAX_PARAM_CPU=2',
        'COAX_PARAM_DISK_SIZE=10',
        'COAX_PARAM_NAME=web 1',
        'COAX_PARAM_NONE=null',
        'COAX_PARAM_ON=true',
        'COAX_PARAM_TAGS=["a"]',
        'COAX_STEP=1',
        'LANG=C.UTF-8',
        'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      ],
    );
    assert.equal(kept('cwd').trim(), join(file, '..'));
  });

  test('in the environment nothing that is too large, has a NUL, or whose name is not unique', async () => {
    const parameters = { big: 'x'.repeat(65_536), fits: 'y', nul: 'a\0b', 'a.b': 1, a_b: 2 };
    const script = `env | grep COAX_PARAM >&2; head -c 100000 | tr -d '\\n' | wc -c | sed 's/.*/{"n":&}/'`;
    const outcome = await run(script, { parameters });
    assert.equal((setOf(outcome).n as number) > 65_536, true);
    assert.equal(outcome.kind === 'ok' && outcome.log, 'COAX_PARAM_FITS=y\n');
  });

  test('never more variables than Linux takes', async () => {
    const parameters: Record<string, string> = {};
    for (let i = 0; i < 200; i++) parameters[`p${i}`] = 'x'.repeat(60_000);
    assert.deepEqual(setOf(await run('cat >/dev/null; exit 0', { parameters })), {});
  });

  test('in an undo what the step had set', async () => {
    const more = { mode: 'rollback', output: { ip: '10.0.0.5' }, parameters: { ip: '10.0.0.5' } } as const;
    const outcome = await run('echo "$COAX_MODE $COAX_OUTPUT_IP" >&2; echo released', more);
    assert.deepEqual(setOf(outcome), {});
    assert.equal(outcome.kind === 'ok' && outcome.log, 'undo 10.0.0.5\n');
  });
});

describe('what an executable says becomes an outcome:', { concurrency: 4 }, () => {
  test('exit 0 with an object: ok, with log and detail', async () => {
    const lines: string[] = [];
    const outcome = await run(`echo taking >&2; echo '{"ip":"10.0.0.5"}'`, { log: line => lines.push(line) });
    assert.deepEqual(setOf(outcome), { ip: '10.0.0.5' });
    assert.deepEqual(lines, ['taking']);
    assert.equal(outcome.kind === 'ok' && (outcome.detail as { exit: number }).exit, 0);
  });

  test('exit 0 with nothing: an empty object', async () => {
    assert.deepEqual(setOf(await run('exit 0')), {});
  });

  test('exit 75: try again; the last line of the log is the reason', async () => {
    const error = failure(await run('echo first >&2; echo the pool is busy >&2; echo >&2; exit 75'));
    assert.deepEqual(error, {
      kind: 'retryable',
      code: 'COAX_STEP_FAILED',
      reason: 'the pool is busy',
      log: 'first\nthe pool is busy\n\n',
    });
  });

  test('another status: no for good; its own code and reason', async () => {
    const outcome = await run(
      `echo '{"error":{"code":"NO_ADDRESS","reason":"10.0.0.0/24 is full","detail":[1]}}'; exit 1`,
    );
    const error = failure(outcome);
    assert.deepEqual(
      [error.kind, error.code, error.reason],
      ['terminal', 'NO_ADDRESS', '10.0.0.0/24 is full'],
    );
    assert.deepEqual(outcome.kind === 'terminal' && (outcome.error.detail as { said: unknown }).said, [1]);
  });

  test('another status and not a word: the status is the reason', async () => {
    assert.match(failure(await run('exit 3')).reason, /act ended with exit status 3$/);
  });

  test('exit 75 may say when', async () => {
    const outcome = await run(`echo '{"error":{"retryAfterMs":1500}}'; exit 75`);
    assert.equal(outcome.kind === 'retryable' && outcome.retryAfterMs, 1500);
  });

  const bad: [string, string, RegExp][] = [
    ['no JSON', 'echo hello', /not JSON: .*hello/],
    ['JSON cut off', `printf '{"a":1,\\n"b"'`, /not JSON: .*line 2/],
    [
      'two objects',
      `echo '{"a":1}'; echo '{"b":2}'`,
      /more than one JSON object; .*line 2, near "\{\\"a\\":1\}\\n\{\\"b\\":2\}/,
    ],
    // Whole: a piece of it would not be known for a secret.
    ['a value that spoils it', `printf '{"a":"x ab"cdefgh y"}'`, /near "\{\\"a\\":\\"x ab\\"cdefgh y\\"\}"/],
    [
      'long words',
      `printf 'pass word is abcdefghijklmnop'`,
      /not JSON: Unexpected token 'p': "pass word is abcdefghijklmnop"$/,
    ],
    ['an array', 'echo "[1,2]"', /is an array where one JSON object is wanted: "\[1,2\]"/],
    ['a number', 'echo 5', /is a number/],
    ['null', 'echo null', /is null/],
    ['no UTF-8', `printf '{"a":"\\377"}'`, /not UTF-8 at byte 6/],
    ['a lone surrogate', `printf '{"a":"%sud800"}' '\\'`, /\/a text with a lone surrogate/],
    ['__proto__', `echo '{"__proto__":{}}'`, /__proto__/],
    ['a name that is none', `echo '{"my name":1}'`, /\/my name cannot be the name of a parameter/],
    ['2 MiB', 'head -c 2097152 /dev/zero', /more than 1048576 bytes/],
  ];
  for (const [what, script, reason] of bad) {
    test(`${what} on standard output: no for good`, async () => {
      const error = failure(await run(script));
      assert.deepEqual([error.kind, error.code], ['terminal', 'COAX_STEP_OUTPUT']);
      assert.match(error.reason, reason);
    });
  }

  test('out of time: try again', async () => {
    const error = failure(await run('echo begun >&2; sleep 600', { timeoutMs: 200 }));
    assert.deepEqual([error.kind, error.code], ['retryable', 'COAX_STEP_TIMEOUT']);
    assert.match(error.reason, /longer than its 200 ms/);
  });

  test("the worker's signal: out of time, or called off", async () => {
    const call = async (reason: unknown): Promise<string> => {
      const abort = new AbortController();
      const log = (): void => abort.abort(reason);
      return failure(await run('echo up >&2; sleep 600', { signal: abort.signal, log })).code;
    };
    assert.equal(await call(new CoaxError('COAX_STEP_TIMEOUT', 'late')), 'COAX_STEP_TIMEOUT');
    assert.equal(await call(new DOMException('late', 'TimeoutError')), 'COAX_STEP_TIMEOUT');
    assert.equal(await call(new CoaxError('COAX_STEP_CANCELLED', 'a person')), 'COAX_STEP_CANCELLED');
    assert.equal(await call(undefined), 'COAX_STEP_CANCELLED');
  });

  test('a foreign signal: try again', async () => {
    const error = failure(await run('kill -KILL $$'));
    assert.deepEqual([error.kind, error.code], ['retryable', 'COAX_STEP_KILLED']);
    assert.match(error.reason, /SIGKILL/);
  });

  test('an executable that cannot start: no for good, with what to do', async () => {
    const cases: [string, RegExp][] = [
      [program('#!/bin/sh\n', 0o644), /is not executable; chmod \+x \//],
      [join(root, 'none'), /none does not exist/],
      [program('#!/bin/sh\r\n'), /carriage return/],
      [program('#!/no/python\n'), /interpreter \/no\/python .* does not exist/],
      [program('echo hi\n'), /begins neither with #!/],
      [program(''), /is empty/],
    ];
    for (const [file, reason] of cases) {
      const error = failure(await makeExecutable('m', 'act', file, UNDECLARED).run(callOf()));
      assert.deepEqual([error.kind, error.code], ['terminal', 'COAX_STEP_START']);
      assert.match(error.reason, reason);
    }
  });

  test('a step that cannot start has nothing to undo; an undo that cannot start leaves the step', async () => {
    const told = async (mode: StepCall['mode'], file: string) => {
      const outcome = await makeExecutable('m', 'act', file, UNDECLARED).run(callOf({ mode }));
      return outcome.kind === 'ok' ? outcome : outcome.error.begun;
    };
    const none = join(root, 'none');
    assert.equal(await told('normal', none), false);
    assert.equal(await told('rollback', none), undefined);
    // What only the start itself can tell.
    const action = makeExecutable('m', 'act', program('#!/bin/sh\n'), UNDECLARED);
    const failed = await action.run(callOf({ key: 'a\0b' }));
    assert.ok(failed.kind === 'terminal' && failed.error.code === 'COAX_STEP_START', JSON.stringify(failed));
    assert.equal(failed.error.begun, false);
    assert.equal(await told('normal', program('#!/bin/sh\nexit 3\n')), undefined);
  });
});

test('the death of the spawner under a step: try again', async () => {
  const kill = (): void => {
    for (const pid of spawnerPids()) process.kill(pid, 'SIGKILL');
  };
  const error = failure(await run('echo up >&2; sleep 600', { log: kill }));
  assert.deepEqual([error.kind, error.code], ['retryable', 'COAX_STEP_LOST']);
  assert.deepEqual(setOf(await run(`echo '{"again":true}'`)), { again: true });
});

test('the code is the hash of the bytes as they are now', async () => {
  const first = '#!/bin/sh\necho \'{"v":1}\'\n';
  const file = program(first);
  const action = makeExecutable('m', 'act', file, UNDECLARED);
  const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
  assert.equal(action.code, hashOf(first));
  assert.deepEqual(setOf(await action.run(callOf())), { v: 1 });
  const second = first.replace('1', '2');
  writeFileSync(file, second);
  assert.equal(action.code, hashOf(second));
  assert.deepEqual(setOf(await action.run(callOf())), { v: 2 });
  chmodSync(file, 0o644);
  assert.equal(failure(await action.run(callOf())).code, 'COAX_STEP_START');
  chmodSync(file, 0o755);
  assert.deepEqual(setOf(await action.run(callOf())), { v: 2 });
});

test('loadExecutables finds actions, passes over what is none, and names faults', async () => {
  const dir = join(root, 'modules');
  const put = (path: string, content = '#!/bin/sh\n', mode = 0o755): void => {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), content);
    chmodSync(join(dir, path), mode);
  };
  put(
    'dns/add_record',
    `#!/bin/sh\necho "{\\"fqdn\\":\\"$COAX_PARAM_NAME.example\\",\\"ttl\\":\\"$COAX_PARAM_TTL\\"}"\n`,
  );
  put('dns/notify');
  put('dns/plain', '#!/bin/sh\n', 0o644);
  put('dns/Tool.py');
  for (const name of ['.hidden', 'README', 'README.md', 'notify~', '#notify#', 'data.json', 'lib.sh'])
    put(`dns/${name}`, '#!/bin/sh\n', /^(lib|data)/.test(name) ? 0o644 : 0o755);
  put('dns/lib/inner');
  put('Bad Name/act');
  put('loose');
  put(
    'dns/module.yaml',
    `about: Names
actions:
  add_record:
    about: Adds a record
    transactional: never
    input: {name: {type: string}, ttl: {type: integer, default: 300}}
    output: {fqdn: {type: string, maxLength: 20}}
  notify: {irreversible: true}
  gone: {}
`,
    0o644,
  );
  const { actions, faults } = loadExecutables(dir);
  assert.deepEqual(
    actions.map(({ module, name }) => `${module} ${name}`),
    ['dns add_record', 'dns notify', 'dns plain'],
  );
  const [add, notify, plain] = actions;
  assert.deepEqual([add!.about, add!.undoable, add!.kind], ['Adds a record', true, 'executable']);
  assert.deepEqual(add!.input, {
    type: 'object',
    properties: { name: { type: 'string' }, ttl: { type: 'integer', default: 300 } },
    required: ['name'],
  });
  assert.equal(notify!.undoable, false);
  assert.deepEqual(faults.map(({ file, reason }) => `${file.slice(dir.length)}: ${reason}`).sort(), [
    "/Bad Name: Bad Name cannot be a module's name: small letters, digits, _ and - are allowed",
    "/dns/Tool.py: Tool.py cannot be an action's name: small letters, digits, _ and - are allowed",
    '/dns/module.yaml: declares gone, but there is no such file',
    `/dns/plain: ${dir}/dns/plain is not executable; chmod +x ${dir}/dns/plain`,
  ]);
  assert.equal(failure(await plain!.run(callOf())).code, 'COAX_STEP_START');
  assert.equal(failure(await notify!.run(callOf({ mode: 'rollback' }))).code, 'COAX_STEP_IRREVERSIBLE');

  const fits = await add!.run(callOf({ parameters: { name: 'www' } }));
  assert.deepEqual(setOf(fits), { fqdn: 'www.example', ttl: '300' });
  const input = failure(await add!.run(callOf({ parameters: { name: 5 } })));
  assert.deepEqual([input.kind, input.code], ['terminal', 'COAX_STEP_INPUT']);
  assert.match(input.reason, /^\/name /);
  const output = failure(await add!.run(callOf({ parameters: { name: 'x'.repeat(20) } })));
  assert.deepEqual([output.kind, output.code], ['terminal', 'COAX_STEP_OUTPUT']);
  assert.match(output.reason, /\/fqdn /);
});

test('a faulty module.yaml is one fault, and its actions are there', () => {
  const dir = join(root, 'faulty');
  mkdirSync(join(dir, 'm'), { recursive: true });
  writeFileSync(join(dir, 'm', 'act'), '#!/bin/sh\n', { mode: 0o755 });
  const faultOf = (yaml: string): string => {
    writeFileSync(join(dir, 'm', 'module.yaml'), yaml);
    const { actions, faults } = loadExecutables(dir);
    assert.equal(actions.length, 1);
    assert.equal(faults.length, 1);
    return faults[0]!.reason;
  };
  assert.match(
    faultOf('actions: {act: {irreversibel: true}}'),
    /irreversibel.*did you mean "irreversible".*module\.yaml:1:17/,
  );
  assert.match(
    faultOf('actions: {act: {input: {n: {type: int}}}}'),
    /"int" is not a type.*\/actions\/act\/input\/n\/type/,
  );
  assert.match(faultOf('a: b: c'), /not YAML.*module\.yaml:1:\d/);
  assert.deepEqual(loadExecutables(join(root, 'nowhere')), { actions: [], faults: [] });
});

test('a recorded input runs again', async () => {
  const file = program(`#!/bin/sh\necho "$COAX_MODE" >&2; echo "{\\"twice\\": $((COAX_PARAM_N * 2))}"\n`);
  const action = makeExecutable('m', 'act', file, UNDECLARED);
  const input = readRecordedInput({ msgid: 7, step: 2, parameters: { n: 21 } });
  assert.equal(input.key, '7.2');
  const { outcome, log } = await runRecorded(action, input);
  assert.deepEqual(setOf(outcome), { twice: 42 });
  assert.deepEqual(log, ['do']);
  assert.throws(() => readRecordedInput({ mode: 'redo' }), { code: 'COAX_STEP_INPUT', where: '/mode' });
  const late = await runRecorded(
    makeExecutable('m', 'act', program('#!/bin/sh\nsleep 600\n'), UNDECLARED),
    input,
    {
      timeoutMs: 100,
    },
  );
  assert.equal(failure(late.outcome).code, 'COAX_STEP_TIMEOUT');
});

test('limits of module.yaml hold, and want of memory is told from other failures', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'coax-limits-'));
  const write = (limits: string): ReturnType<typeof loadExecutables> => {
    mkdirSync(join(dir, 'm'), { recursive: true });
    writeFileSync(join(dir, 'm', 'module.yaml'), `actions: {hog: {limits: ${limits}}}`);
    const hog =
      '#!/usr/bin/python3\nimport json, os\nbytearray(b"x") * (512 << 20)\nprint(json.dumps({"open": os.sysconf("SC_OPEN_MAX")}))\n';
    writeFileSync(join(dir, 'm', 'hog'), hog);
    chmodSync(join(dir, 'm', 'hog'), 0o755);
    return loadExecutables(dir);
  };
  try {
    const tight = failure(await write('{memoryMib: 256}').actions[0]!.run(callOf()));
    assert.deepEqual([tight.kind, tight.code], ['terminal', 'COAX_STEP_MEMORY']);
    assert.match(tight.reason, /hog needed more than its 268435456 bytes/);
    const wide = await write('{memoryMib: 2048, openFiles: 33}').actions[0]!.run(callOf());
    assert.deepEqual(setOf(wide), { open: 33 });
    const { faults } = write('{memory: 5}');
    assert.match(
      faults.map(({ reason }) => reason).join(),
      /limits\.memory"; known: memoryMib, .*module\.yaml:1:26/,
    );
  } finally {
    rmSync(dir, { recursive: true });
  }
});
