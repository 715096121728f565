import { useEffect, useRef } from 'react';
import type { MessageView } from '../../../../../src/api/message.ts';
import { Icon, type IconName } from '../../../parts/icon.tsx';
import { exactLength } from '../../../parts/time/length.ts';
import { useWords } from '../../../words/words.ts';
import { endedCount, type Stop, type StopState, tookMs } from './walk.ts';

interface PlanLineProps {
  readonly message: MessageView;
  readonly stops: readonly Stop[];
  readonly shown: number;
  readonly onShow: (index: number) => void;
}

/**
 * The plan as a line of steps with the cursor on it; under it the way back, from the step where it turned. From left to
 * right; on a telephone from top to bottom.
 */
export function PlanLine({ message, stops, shown, onShow }: PlanLineProps) {
  const word = useWords();
  const anyBack = stops.some(({ wayBack }) => wayBack);
  const line = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (line.current !== null) centre(line.current, shown);
  }, [shown]);
  return (
    <ol
      ref={line}
      aria-label={word('message.plan')}
      data-plan={message.msgid}
      className="flex flex-col md:flex-row md:overflow-x-auto md:pb-1"
    >
      {stops.map((stop, index) => (
        <StopItem
          key={stop.step.index}
          stop={stop}
          first={index === 0}
          last={index === stops.length - 1}
          next={stops[index + 1]}
          anyBack={anyBack}
          here={stop.step.index === message.cursor}
          status={message.status}
          pressed={index === shown}
          onPress={() => onShow(index)}
        />
      ))}
    </ol>
  );
}

/** Scrolls a line that is longer than the screen to one of its steps; the page itself stays where it is. */
function centre(line: HTMLElement, index: number): void {
  const item = line.children[index];
  if (item === undefined || line.scrollWidth <= line.clientWidth) return;
  const at = item.getBoundingClientRect();
  const around = line.getBoundingClientRect();
  line.scrollLeft += at.left + at.width / 2 - around.left - around.width / 2;
}

interface StopItemProps {
  readonly stop: Stop;
  readonly first: boolean;
  readonly last: boolean;
  readonly next: Stop | undefined;
  readonly anyBack: boolean;
  readonly here: boolean;
  readonly status: MessageView['status'];
  readonly pressed: boolean;
  readonly onPress: () => void;
}

function StopItem({ stop, first, last, next, anyBack, here, status, pressed, onPress }: StopItemProps) {
  const word = useWords();
  const { step, state, tries, undos, wayBack } = stop;
  const [module, action] = step.step.split(' ');
  const did = tookMs(tries);
  const undone = tookMs(undos);
  // One that goes on has not ended yet.
  const tried = endedCount(tries) + (state === 'current' ? 1 : 0);
  const reached = state !== 'pending';
  const onward = next !== undefined && next.state !== 'pending';
  return (
    <li
      aria-current={here ? 'step' : undefined}
      data-state={state}
      className="relative grid grid-cols-[1.75rem_minmax(0,1fr)] md:max-w-64 md:min-w-32 md:flex-1 md:grid-cols-1 md:grid-rows-[1.75rem_auto_auto]"
    >
      <span
        aria-hidden="true"
        className="relative row-span-2 grid justify-center md:row-span-1 md:place-items-center"
      >
        {!first && <Rail part="before" look={reached ? RAIL_DONE : RAIL_OPEN} />}
        {!last && <Rail part="after" look={onward ? RAIL_DONE : RAIL_OPEN} />}
        <Node state={state} moving={here && status === 'running'} />
      </span>
      <button
        type="button"
        aria-pressed={pressed}
        onClick={onPress}
        className="min-w-0 rounded-md px-2 py-1.5 text-left hover:bg-sunk aria-pressed:bg-sunk md:mx-0.5 md:text-center"
      >
        <span className="block truncate text-xs text-faint">{module}</span>
        <span className="block truncate font-medium">
          {action ?? word(`step.group.${module as 'all' | 'each'}`)}
        </span>
        <span className="block truncate text-xs text-soft">
          {[
            (!wayBack || state === 'failed' || state === 'parked') && (
              <span key="state" className={TEXT[state]}>
                {word(state === 'current' && status !== 'running' ? 'step.waiting' : `step.${state}`)}
              </span>
            ),
            did !== null && state !== 'current' && <span key="took"> {exactLength(did)}</span>,
            step.partly && (
              <span key="partly" className="block text-back">
                {word('step.partly', { ...step.partly })}
              </span>
            ),
            tried > 1 && <span key="tries"> {word('step.tries', { n: tried })}</span>,
          ]}
        </span>
      </button>
      {anyBack && (
        <WayBack
          stop={stop}
          undone={undone}
          here={here}
          turned={wayBack && !(next?.wayBack ?? false)}
          first={first}
        />
      )}
    </li>
  );
}

/** The part of the way back under one step. */
function WayBack(props: {
  stop: Stop;
  undone: number | null;
  here: boolean;
  turned: boolean;
  first: boolean;
}) {
  const { stop, undone, here, turned, first } = props;
  const word = useWords();
  const { state } = stop.step;
  if (!stop.wayBack) return <span aria-hidden="true" className="hidden md:block md:h-12" />;
  const walked = state === 'undone';
  const stuck = stop.state === 'parked';
  const look = stuck ? 'border-bad text-bad' : 'border-back text-back';
  return (
    <span
      className="col-start-2 flex items-center gap-2 px-2 pb-1.5 md:col-start-1 md:flex-col md:gap-0.5 md:px-0 md:pb-0"
      data-back={state}
    >
      <span className="relative grid place-items-center md:h-6 md:w-full" aria-hidden="true">
        {turned ? (
          <Rail part="down" look={RAIL_BACK} />
        ) : (
          <Rail part="after" look={`hidden md:block ${RAIL_BACK}`} />
        )}
        {walked && !first && <Rail part="before" look={`hidden md:block ${RAIL_BACK}`} />}
        <span
          className={`relative grid size-4.5 place-items-center rounded-full border-2 bg-card ${look} ${here && !stuck ? 'pulse' : ''}`}
        >
          <Icon name={stuck ? 'close' : 'back'} className="size-2.5" />
        </span>
      </span>
      <span className={`text-xs ${stuck ? 'text-bad' : 'text-back'}`}>
        {word(stuck ? 'step.stuck' : walked ? 'step.undone' : 'step.undoing')}
        {undone !== null && walked && ` ${exactLength(undone)}`}
      </span>
    </span>
  );
}

const RAIL_DONE = 'bg-good/60';
const RAIL_OPEN = 'bg-line';
const RAIL_BACK = 'bg-back/60';

/** Parts of the line: to the left of a node and to the right, above and below on a telephone; and down to the way back. */
const RAILS = {
  before:
    'top-0 left-1/2 h-2 w-0.5 -translate-x-1/2 md:top-1/2 md:left-0 md:h-0.5 md:w-1/2 md:translate-x-0 md:-translate-y-1/2',
  after:
    'top-2 bottom-0 left-1/2 w-0.5 -translate-x-1/2 md:top-1/2 md:bottom-auto md:h-0.5 md:w-1/2 md:translate-x-0 md:-translate-y-1/2',
  down: 'hidden md:block md:-top-0.5 md:left-1/2 md:h-3 md:w-0.5 md:-translate-x-1/2',
} as const;

function Rail({ part, look }: { part: keyof typeof RAILS; look: string }) {
  return <span className={`absolute ${RAILS[part]} ${look}`} />;
}

const TEXT: Readonly<Record<StopState, string>> = {
  done: 'text-good',
  current: 'text-busy font-medium',
  pending: 'text-faint',
  undoing: 'text-back font-medium',
  undone: 'text-back',
  failed: 'text-bad font-medium',
  parked: 'text-bad font-medium',
};

const NODES: Readonly<Record<StopState, { readonly icon: IconName | null; readonly look: string }>> = {
  done: { icon: 'check', look: 'border-good bg-good text-card' },
  current: { icon: null, look: 'border-busy bg-busy-soft' },
  pending: { icon: null, look: 'border-line bg-card' },
  undoing: { icon: null, look: 'border-back bg-back-soft' },
  undone: { icon: null, look: 'border-back/60 bg-card' },
  failed: { icon: 'close', look: 'border-bad bg-bad text-card' },
  parked: { icon: 'warn', look: 'border-bad bg-bad-soft text-bad' },
};

function Node({ state, moving }: { state: StopState; moving: boolean }) {
  const { icon, look } = NODES[state];
  return (
    <span className={`relative mt-2 grid size-5 place-items-center rounded-full border-2 md:mt-0 ${look}`}>
      {moving && <span className="size-2 rounded-full bg-busy pulse" />}
      {icon !== null && <Icon name={icon} className="size-3" />}
    </span>
  );
}
