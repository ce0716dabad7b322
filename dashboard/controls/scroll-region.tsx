import type { ReactNode } from 'react';

/** A part of the page that scrolls by itself, and that the keyboard can reach in order to scroll it. */
export function ScrollRegion({
  label,
  className,
  children,
}: {
  readonly label: string;
  readonly className: string | undefined;
  readonly children: ReactNode;
}) {
  return (
    <div
      className={className}
      role="region"
      aria-label={label}
      // Without focus there are no arrow keys.
      // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
      tabIndex={0}
    >
      {children}
    </div>
  );
}
