import {
  cloneElement,
  useId,
  type InputHTMLAttributes,
  type ReactElement,
  type ReactNode,
  type Ref,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
} from "react";

interface FieldProps {
  label: ReactNode;
  hint?: ReactNode;
  error?: ReactNode;
  end?: ReactNode; // right of the label
  children: ReactElement<{ id?: string; "aria-describedby"?: string; "aria-invalid"?: boolean }>;
}

// A label with its control, a hint, and what is wrong.
export function Field({ label, hint, error, end, children }: FieldProps) {
  const id = useId();
  const described = hint || error ? `${id}-hint` : undefined;
  return (
    <div className="ui-field">
      <div className="label">
        <label htmlFor={id}>{label}</label>
        {end}
      </div>
      {cloneElement(children, { id, "aria-describedby": described, "aria-invalid": error ? true : undefined })}
      {error ? (
        <div className="error" id={described} role="alert">
          {error}
        </div>
      ) : (
        hint && (
          <div className="hint" id={described}>
            {hint}
          </div>
        )
      )}
    </div>
  );
}

export function Input({ className = "", ...rest }: InputHTMLAttributes<HTMLInputElement> & { ref?: Ref<HTMLInputElement> }) {
  return <input className={`ui-input ${className}`} {...rest} />;
}

export function TextArea({
  className = "",
  ...rest
}: TextareaHTMLAttributes<HTMLTextAreaElement> & { ref?: Ref<HTMLTextAreaElement> }) {
  return <textarea className={`ui-input ${className}`} {...rest} />;
}

export function Select({ className = "", ...rest }: SelectHTMLAttributes<HTMLSelectElement>) {
  return <select className={`ui-input ${className}`} {...rest} />;
}

interface SwitchProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "onChange" | "type"> {
  label: ReactNode;
  hint?: ReactNode;
  onChange: (on: boolean) => void;
}

export function Switch({ label, hint, onChange, ...rest }: SwitchProps) {
  return (
    <label className="ui-switch">
      <input type="checkbox" role="switch" onChange={(event) => onChange(event.target.checked)} {...rest} />
      <span className="text">
        <span>{label}</span>
        {hint && <span className="hint">{hint}</span>}
      </span>
    </label>
  );
}

interface SliderProps {
  id?: string;
  label?: string; // when no Field names it
  value: number | undefined;
  standard: number; // shown while there is no value
  min: number;
  max: number;
  step: number;
  onChange: (value: number | undefined) => void;
  testId?: string;
}

// A slider with a number beside it; an empty number means "the server's own".
export function Slider({ id, label, value, standard, min, max, step, onChange, testId, ...rest }: SliderProps) {
  return (
    <div className="ui-slider" {...rest}>
      <input
        type="range"
        aria-label={label}
        aria-hidden={label ? undefined : true}
        tabIndex={label ? undefined : -1}
        min={min}
        max={max}
        step={step}
        value={value ?? standard}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      <input
        id={id}
        className="ui-input"
        type="number"
        aria-label={label}
        min={min}
        max={max}
        step={step}
        value={value ?? ""}
        placeholder={String(standard)}
        onChange={(event) => {
          const number = Number(event.target.value);
          onChange(event.target.value === "" || Number.isNaN(number) ? undefined : number);
        }}
        onBlur={() => {
          if (value !== undefined && (value < min || value > max)) onChange(Math.min(max, Math.max(min, value)));
        }}
        data-testid={testId}
      />
    </div>
  );
}

interface SegmentedProps<T extends string> {
  label: string;
  value: T;
  options: { value: T; label: ReactNode }[];
  onChange: (value: T) => void;
  testId?: string; // each option: testId-value
}

export function Segmented<T extends string>({ label, value, options, onChange, testId }: SegmentedProps<T>) {
  const name = useId();
  return (
    <div className="ui-segmented" role="radiogroup" aria-label={label}>
      {options.map((option) => (
        <label key={option.value}>
          <input
            className="sr-only"
            type="radio"
            name={name}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
            data-testid={testId && `${testId}-${option.value}`}
          />
          {option.label}
        </label>
      ))}
    </div>
  );
}
