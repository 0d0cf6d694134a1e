import { dictionary } from "@/i18n";

export const texts = dictionary(
  {
    copy: "Copy",
    copied: "Copied",
    copyCode: "Copy the code",
    image: "Image: {alt}",
    imageNoAlt: "Image",
    citation: "Source {n}: {name}",
    code: "code",
    done: "done",
    toDo: "to do",
  },
  {
    copy: "复制",
    copied: "已复制",
    copyCode: "复制代码",
    image: "图片：{alt}",
    imageNoAlt: "图片",
    citation: "来源 {n}：{name}",
    code: "代码",
    done: "已完成",
    toDo: "未完成",
  },
);
