import { useEffect } from 'react';
import { Button } from '../parts/button.tsx';
import { loadAgainOnce, MissingPart } from '../parts/missing/missing-part.tsx';
import { useMissingLanguage } from '../words/words.ts';

/** Says, in both languages, that the texts of the one that was chosen did not load. */
export function MissingLanguage() {
  const missing = useMissingLanguage();
  useEffect(() => {
    if (missing !== null) loadAgainOnce(new MissingPart(missing));
  }, [missing]);
  if (missing === null) return null;
  return (
    <div
      role="alert"
      data-missing
      className="fixed inset-x-0 top-0 z-50 flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-back/40 bg-back-soft px-4 py-1.5 text-back"
    >
      <span className="flex-1">
        <span lang="zh-CN">中文文字没有加载成功。</span> The Chinese texts did not load.
      </span>
      <Button onClick={() => location.reload()}>
        <span lang="zh-CN">重新加载</span>
      </Button>
    </div>
  );
}
