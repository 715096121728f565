import type { PublishedView } from '../../../../src/api/package/repository.ts';
import { Button } from '../../parts/button.tsx';
import { useNarrow } from '../../parts/narrow.ts';
import { Age } from '../../parts/time/age.tsx';
import { useWords } from '../../words/words.ts';
import { CELL, PlainTable, ROW } from './plain-table.tsx';

interface PublishedTableProps {
  readonly packages: readonly PublishedView[];
  readonly blocked: string | null;
  /** `NAME@VERSION`. */
  readonly onRollOut: (wanted: string) => void;
}

export function PublishedTable({ packages, blocked, onRollOut }: PublishedTableProps) {
  const word = useWords();
  const narrow = useNarrow();
  const wide = narrow ? [] : (['about', 'size'] as const);
  const head = ['package', 'version', ...wide, 'age', 'do'] as const;
  return (
    <PlainTable label={word('packages.published')} head={head.map(name => word(`packages.${name}`))}>
      {packages.map(({ name, version, about, bytes, files, published, sha256 }) => (
        <tr key={`${name}@${version}`} className={ROW}>
          <td className={`${CELL} font-medium`}>{name}</td>
          <td className={`${CELL} font-mono text-xs whitespace-nowrap`} title={`SHA-256 ${sha256}`}>
            {version}
          </td>
          {!narrow && (
            <>
              <td className={`${CELL} max-w-96 min-w-32 break-words text-soft`}>{about}</td>
              <td className={`${CELL} whitespace-nowrap`}>
                {word('packages.holds', { files, size: sizeText(bytes) })}
              </td>
            </>
          )}
          <td className={`${CELL} text-soft`}>
            <Age at={published} />
          </td>
          <td className={CELL}>
            <Button
              blocked={blocked}
              aria-label={word('rollout.startOf', { package: `${name}@${version}` })}
              onClick={() => onRollOut(`${name}@${version}`)}
            >
              {word('rollout.start')}
            </Button>
          </td>
        </tr>
      ))}
    </PlainTable>
  );
}

function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 ** 2) return `${Math.round(bytes / 102.4) / 10} KiB`;
  return `${Math.round(bytes / 1024 / 102.4) / 10} MiB`;
}
