// The building blocks of all pages.
export { Button, IconButton, type ButtonKind } from "./button";
export { Dialog, useConfirm, ConfirmProvider, type ConfirmOptions } from "./dialog";
export { Field, Input, Segmented, Select, Slider, Switch, TextArea } from "./form";
export { Menu, MenuHeading, MenuItem, MenuLink, MenuSeparator } from "./menu";
export { ToastProvider, useToast } from "./toast";
export { Tabs, TabPanel } from "./tabs";
export { Badge, Card, Empty, ErrorBox, Loading, Notice, Page, Spinner } from "./layout";
export { errorText, useErrorText } from "./errors";
