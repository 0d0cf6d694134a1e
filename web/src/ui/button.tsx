import type { ButtonHTMLAttributes, ReactNode, Ref } from "react";

export type ButtonKind = "default" | "primary" | "danger" | "ghost";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: ButtonKind;
  small?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ kind = "default", small, className = "", type = "button", ...rest }: ButtonProps) {
  return <button type={type} className={`ui-button ${kind} ${small ? "small" : ""} ${className}`} {...rest} />;
}

interface IconButtonProps extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, "children"> {
  label: string; // for screen readers, and as the tooltip
  children: ReactNode;
  small?: boolean;
  ref?: Ref<HTMLButtonElement>;
}

export function IconButton({ label, small, className = "", type = "button", ...rest }: IconButtonProps) {
  return (
    <button type={type} className={`ui-icon-button ${small ? "small" : ""} ${className}`} aria-label={label} title={label} {...rest} />
  );
}
