/**
 * Runs something that makes `<style>` elements, under a policy that forbids styles that stand in the page: what is written
 * into such an element goes into a style sheet that the document adopts, which is allowed. Returns what takes them away.
 */
export function underStylePolicy(run: () => void): () => void {
  const sheets: CSSStyleSheet[] = [];
  const create = document.createElement.bind(document) as (name: string, options?: unknown) => HTMLElement;
  document.createElement = ((name: string, options?: unknown): HTMLElement => {
    if (name !== 'style') return create(name, options);
    // Even an empty one is forbidden, so something else stands in its place.
    const element = create('span');
    element.hidden = true;
    sheets.push(adopt(element));
    return element;
  }) as typeof document.createElement;
  try {
    run();
  } finally {
    // What the document's kind has shows through again.
    Reflect.deleteProperty(document, 'createElement');
  }
  return () => {
    document.adoptedStyleSheets = document.adoptedStyleSheets.filter(sheet => !sheets.includes(sheet));
  };
}

function adopt(element: HTMLElement): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets.push(sheet);
  let text = '';
  Object.defineProperty(element, 'textContent', {
    get: () => text,
    set: (next: string) => {
      text = next;
      sheet.replaceSync(next);
    },
  });
  return sheet;
}
