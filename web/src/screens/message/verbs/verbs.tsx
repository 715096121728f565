import type { MessageView } from '../../../../../src/api/message.ts';
import { useMay } from '../../../api/whoami.ts';
import { Button } from '../../../parts/button.tsx';
import { useWords } from '../../../words/words.ts';
import { blockedBy, VERBS, type VerbName } from './verb.ts';

/** What a person may decide about a message. What cannot be done now says why. */
export function Verbs({ message, onPick }: { message: MessageView; onPick: (verb: VerbName) => void }) {
  const word = useWords();
  const may = useMay('operate', message.project);
  return (
    <fieldset className="flex flex-wrap gap-1.5 sm:ml-auto">
      <legend className="sr-only">{word('verbs.label')}</legend>
      {VERBS.map(verb => {
        const blocked = may ? blockedBy(verb, message) : 'blocked.viewer';
        return (
          <Button
            key={verb}
            kind={
              blocked !== null
                ? 'plain'
                : verb === 'resolve'
                  ? 'main'
                  : verb === 'cancel' || verb === 'revert'
                    ? 'danger'
                    : 'plain'
            }
            blocked={blocked && word(blocked, { project: message.project })}
            onClick={() => onPick(verb)}
          >
            {word(`verb.${verb}`)}
          </Button>
        );
      })}
    </fieldset>
  );
}
