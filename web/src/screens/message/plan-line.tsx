import type { MessageView, PlanStepView } from '../../../../src/api/message.ts';
import { useWords } from '../../words/words.ts';

/** The plan as a line of steps, with the cursor. */
export function PlanLine({ message }: { message: MessageView }) {
  const word = useWords();
  return (
    <ol aria-label={word('message.plan')} className="card flex flex-col gap-2 p-3">
      {message.steps.map(step => (
        <li key={step.index} aria-current={step.index === message.cursor ? 'step' : undefined}>
          {step.step} <StepWord state={step.state} />
        </li>
      ))}
    </ol>
  );
}

function StepWord({ state }: Pick<PlanStepView, 'state'>) {
  const word = useWords();
  return <span className="text-soft">{word(`step.${state}`)}</span>;
}
