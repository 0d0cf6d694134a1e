export function Logo({ size }: { size: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden focusable="false">
      <rect width="32" height="32" rx="9" fill="var(--accent)" />
      <path d="M11 7h10a4 4 0 0 1 4 4v5a4 4 0 0 1-4 4h-5l-5.5 5v-5.2A4 4 0 0 1 7 16v-5a4 4 0 0 1 4-4z" fill="var(--on-accent)" />
      <circle cx="12.5" cy="13.5" r="1.6" fill="var(--accent)" />
      <circle cx="19.5" cy="13.5" r="1.6" fill="var(--accent)" />
    </svg>
  );
}
