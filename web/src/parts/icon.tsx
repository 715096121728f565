/** Lines on a square of 16. */
const PATHS = {
  overview: 'M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z',
  messages: 'M2 4h12M2 8h12M2 12h8',
  create: 'M8 3v10M3 8h10',
  hosts: 'M2 3h12v4H2zM2 9h12v4H2zM4.5 5h.01M4.5 11h.01',
  vms: 'M2 3h12v8H2zM5.5 14h5M8 11v3',
  packages: 'M2.5 5L8 2l5.5 3v6L8 14l-5.5-3zM2.5 5L8 8l5.5-3M8 8v6',
  webhooks: 'M3 13a2.5 2.5 0 102-4l3-4.5a2.5 2.5 0 10-2.5-1M5 11h6a2.5 2.5 0 10-1-3L7.6 4.5',
  copy: 'M5.5 5.5h8v8h-8zM2.5 10.5v-8h8',
  check: 'M3 8.5l3.2 3.2L13 4.8',
  close: 'M4 4l8 8M12 4l-8 8',
  right: 'M6 3l5 5-5 5',
  down: 'M3 6l5 5 5-5',
  up: 'M3 10l5-5 5 5',
  back: 'M9 3L4 8l5 5M4 8h9',
  warn: 'M8 2l6.5 11.5h-13zM8 6.5v3.2M8 11.7h.01',
  pause: 'M5.5 3v10M10.5 3v10',
  play: 'M5 3l8 5-8 5z',
  out: 'M9 3H3v10h6M7 8h7M11.5 5.5L14 8l-2.5 2.5',
  settings: 'M2 5h4M10 5h4M6 5a2 2 0 104 0a2 2 0 10-4 0M2 11h2M8 11h6M4 11a2 2 0 104 0a2 2 0 10-4 0',
} as const;

export type IconName = keyof typeof PATHS;

/** A sign beside words; it is not read out, for the words say the same. */
export function Icon({ name, className = 'size-4' }: { name: IconName; className?: string }) {
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 16 16"
      className={`${className} shrink-0`}
      fill="none"
      stroke="currentColor"
      strokeWidth="1.5"
      strokeLinecap="round"
      strokeLinejoin="round"
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
