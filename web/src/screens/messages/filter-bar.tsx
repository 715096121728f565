import { useNavigate } from '@tanstack/react-router';
import { useCounts } from '../../api/counts.ts';
import { useFlows } from '../../api/flows.ts';
import { useProjects } from '../../api/whoami.ts';
import { Check, SelectorInput } from '../../parts/field.tsx';
import { useWords } from '../../words/words.ts';
import { type Filters, isFiltered, readFilters, STATUSES, type Status } from './filters.ts';

/** The filters; each change is a new address. */
export function FilterBar({ filters }: { filters: Filters }) {
  const word = useWords();
  const navigate = useNavigate({ from: '/messages' });
  const projects = useProjects('view');
  const flows = useFlows().data?.items ?? [];
  const change = (next: { readonly [Name in keyof Filters]: Filters[Name] | undefined }): void => {
    // What is undefined or empty leaves the address.
    void navigate({ search: readFilters({ ...filters, ...next }), replace: true });
  };
  const names = [
    ...new Set([...flows.map(({ name }) => name), ...(filters.flow ? [filters.flow] : [])]),
  ].sort();
  return (
    <fieldset className="flex min-w-0 flex-wrap items-center gap-x-3 gap-y-2">
      <legend className="sr-only">{word('messages.filters')}</legend>
      <StatusPicker
        current={filters.approval ? 'approval' : filters.status}
        onPick={picked => change(picking(picked))}
      />
      <select
        aria-label={word('messages.flow')}
        value={filters.flow ?? ''}
        onChange={event => change({ flow: event.target.value })}
        className="min-h-8 w-32 rounded-md border border-edge bg-card px-2"
      >
        <option value="">{word('messages.anyFlow')}</option>
        {names.map(name => (
          <option key={name}>{name}</option>
        ))}
      </select>
      {projects.length > 1 && (
        <select
          aria-label={word('message.project')}
          value={filters.project ?? ''}
          onChange={event => change({ project: event.target.value })}
          className="min-h-8 w-32 rounded-md border border-edge bg-card px-2"
        >
          <option value="">{word('messages.anyProject')}</option>
          {projects.map(name => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
      <SelectorInput
        label={word('messages.labels')}
        selector={filters.selector ?? ''}
        onSelector={selector => change({ selector })}
      />
      <span className="flex gap-3">
        <Check
          label={word('messages.children')}
          checked={filters.children ?? false}
          onChange={event => change({ children: event.target.checked || undefined })}
        />
        <Check
          label={word('messages.archived')}
          checked={filters.archived ?? false}
          onChange={event => change({ archived: event.target.checked || undefined })}
        />
      </span>
      {isFiltered(filters) && <ClearFilters onClear={() => void navigate({ search: {}, replace: true })} />}
    </fieldset>
  );
}

function ClearFilters({ onClear }: { onClear: () => void }) {
  const word = useWords();
  return (
    <button type="button" className="text-accent hover:underline" onClick={onClear}>
      {word('messages.clear')}
    </button>
  );
}

/** The filters that a pick is. What waits for a person is in no archive. */
const picking = (picked: Picked) =>
  picked === 'approval'
    ? ({ status: undefined, approval: true, archived: undefined } as const)
    : { status: picked, approval: undefined };

/** What waits for a person to approve is among what waits, and found like a status of its own. */
type Picked = Status | 'approval' | undefined;

function StatusPicker(props: { current: Picked; onPick: (picked: Picked) => void }) {
  const { current, onPick } = props;
  const word = useWords();
  const counts = useCounts().data;
  return (
    <fieldset className="flex max-w-full min-w-0 flex-wrap gap-0.5 rounded-md border bg-card p-0.5">
      <legend className="sr-only">{word('messages.status')}</legend>
      {[undefined, ...STATUSES, 'approval' as const].map(status => (
        <button
          key={status ?? 'all'}
          type="button"
          aria-pressed={status === current}
          onClick={() => onPick(status)}
          className="rounded px-1.5 py-0.5 whitespace-nowrap text-soft hover:bg-sunk aria-pressed:bg-accent-soft aria-pressed:font-medium aria-pressed:text-accent"
        >
          {status === undefined ? word('messages.all') : word(`status.${status}`)}
          {status !== undefined && counts !== undefined && (
            <span className="ml-1.5 text-xs text-faint">{(counts[status] ?? 0).toLocaleString('en')}</span>
          )}
        </button>
      ))}
    </fieldset>
  );
}
