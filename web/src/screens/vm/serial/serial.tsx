import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import { useEffect, useRef, useState } from 'react';
import { Button } from '../../../parts/button.tsx';
import { Check } from '../../../parts/field.tsx';
import { ProblemNotice } from '../../../parts/notice.tsx';
import { useWords, word as wordNow } from '../../../words/words.ts';
import { SerialSession, type SerialState } from './serial-session.ts';
import { underStylePolicy } from './under-policy.ts';

/** A terminal is dark in both themes: guests choose their colours for that. */
const THEME = {
  background: '#0e1214',
  foreground: '#e4e9ec',
  cursor: '#5cc9be',
  selectionBackground: '#31545a',
};
const LINES_KEPT = 10_000;

/** The serial line of the guest, as if one sat before it. */
export default function Serial(props: { vm: string; running: boolean; mayType: boolean }) {
  const { vm, running, mayType } = props;
  const word = useWords();
  const [watchOnly, setWatchOnly] = useState(!mayType);
  const [attempt, setAttempt] = useState(0);
  const [state, setState] = useState<SerialState>({ kind: 'connecting' });
  const place = useRef<HTMLDivElement>(null);
  const leave = useRef<HTMLDivElement>(null);
  const typed = useRef<((text: string) => void) | null>(null);
  const size = useRef({ cols: 80, rows: 24 });
  // biome-ignore lint/correctness/useExhaustiveDependencies: each attempt is a terminal of its own
  useEffect(() => {
    const line = openLine(vm, watchOnly, place.current!, {
      onState: setState,
      onLeave: () => leave.current?.focus(),
      onSize: next => {
        size.current = next;
      },
    });
    typed.current = line.type;
    return line.close;
  }, [vm, watchOnly, attempt]);
  // What was started has a line again.
  const over = isOver(state);
  const before = useRef(running);
  useEffect(() => {
    if (running && !before.current && over) setAttempt(now => now + 1);
    before.current = running;
  }, [running, over]);
  const readonly = watchOnly || (state.kind === 'open' && state.readonly);
  return (
    <section aria-label={word('serial.title')} className="card overflow-hidden">
      <div
        ref={leave}
        tabIndex={-1}
        className="flex flex-wrap items-center gap-x-3 gap-y-1 border-b px-3 py-1.5 outline-none"
      >
        <h2 className="font-semibold">{word('serial.title')}</h2>
        <span role="status" data-serial={state.kind} className="text-xs text-soft">
          {textOf(state, word)}
        </span>
        <Controls
          readonly={readonly}
          watchOnly={watchOnly}
          state={state}
          onWatchOnly={setWatchOnly}
          onTellSize={() => typed.current?.(`stty rows ${size.current.rows} cols ${size.current.cols}\n`)}
          onAgain={() => setAttempt(attempt + 1)}
        />
      </div>
      {state.kind === 'refused' && (
        <div className="p-3">
          <ProblemNotice error={state.error} />
        </div>
      )}
      <div ref={place} className="h-96 overflow-hidden bg-[#0e1214] p-2" hidden={state.kind === 'refused'} />
      <p className="border-t px-3 py-1 text-2xs text-faint">
        {word(state.kind === 'open' && !readonly ? 'serial.keys' : 'serial.closed')}
      </p>
    </section>
  );
}

interface ControlsProps {
  readonly state: SerialState;
  readonly readonly: boolean;
  readonly watchOnly: boolean;
  readonly onWatchOnly: (watchOnly: boolean) => void;
  readonly onTellSize: () => void;
  readonly onAgain: () => void;
}

function Controls(props: ControlsProps) {
  const word = useWords();
  return (
    <div className="ml-auto flex flex-wrap items-center gap-2">
      <Check
        label={word('serial.watch')}
        checked={props.watchOnly}
        onChange={event => props.onWatchOnly(event.target.checked)}
      />
      <Button
        blocked={props.state.kind === 'open' && !props.readonly ? null : word('serial.closed')}
        title={word('serial.size.about')}
        onClick={props.onTellSize}
      >
        {word('serial.size')}
      </Button>
      {isOver(props.state) && (
        <Button kind="main" onClick={props.onAgain}>
          {word('serial.again')}
        </Button>
      )}
    </div>
  );
}

const isOver = ({ kind }: SerialState): boolean => kind === 'ended' || kind === 'refused';

function textOf(state: SerialState, word: typeof wordNow): string {
  if (state.kind === 'connecting') return word('serial.connecting');
  if (state.kind === 'ended') return word('serial.ended');
  if (state.kind === 'refused') return word('serial.refused');
  const watchers = word('serial.watchers', { n: state.watchers });
  return state.readonly ? `${word('serial.readonly')} · ${watchers}` : `${word('serial.open')} · ${watchers}`;
}

interface LineOptions {
  onState(state: SerialState): void;
  /** The keys leave the terminal: Ctrl-], as with telnet. */
  onLeave(): void;
  onSize(size: { cols: number; rows: number }): void;
}

function openLine(
  vm: string,
  readonly: boolean,
  place: HTMLElement,
  options: LineOptions,
): { type: (text: string) => void; close: () => void } {
  const terminal = new Terminal({
    scrollback: LINES_KEPT,
    fontFamily: "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace",
    fontSize: 13,
    theme: THEME,
    disableStdin: readonly,
    screenReaderMode: true,
  });
  const fit = new FitAddon();
  terminal.loadAddon(fit);
  const forgetStyles = underStylePolicy(() => terminal.open(place));
  terminal.textarea?.setAttribute('aria-label', wordNow('serial.title'));
  const resize = (): void => {
    fit.fit();
    options.onSize({ cols: terminal.cols, rows: terminal.rows });
  };
  const watch = new ResizeObserver(resize);
  watch.observe(place);
  const session = new SerialSession(vm, readonly, {
    onBytes: bytes => terminal.write(bytes),
    onState: options.onState,
    onLoss: (kind, bytes) =>
      terminal.write(`\r\n\x1b[33m[${wordNow(`serial.${kind}`, { n: bytes })}]\x1b[0m\r\n`),
  });
  terminal.attachCustomKeyEventHandler(event => {
    if (event.type !== 'keydown' || !event.ctrlKey || event.key !== ']') return true;
    options.onLeave();
    return false;
  });
  terminal.onData(data => session.send(data));
  if (!readonly) terminal.focus();
  return {
    type: text => {
      session.send(text);
      terminal.focus();
    },
    close() {
      session.close();
      watch.disconnect();
      terminal.dispose();
      forgetStyles();
    },
  };
}
