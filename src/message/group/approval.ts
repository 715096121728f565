/** The step that waits for a person: done when somebody approves, failed when somebody rejects. */
export const APPROVAL = { module: 'approval', action: 'give' } as const;
