// Word lists are as short as they can be: a few words cover most of what is written, and every
// further one is met in harmless text too. \s is written \x20, because patterns are extended.
#include "server/moderation_rules.h"

namespace parley::server {
namespace {

constexpr uint16_t kThreat = kHarassment | kHarassmentThreatening | kViolence;
constexpr uint16_t kWeapons = kIllicit | kIllicitViolent;

constexpr std::string_view kDefinitions = R"((?(DEFINE)
  (?<human> (?:ex-?)?(?:wife|husband|girlfriend|boyfriend|mother|mom|mum|father|dad|parents|brother|
    sister|son|daughter|boss|neighbou?rs?|teachers?|co-?workers?|colleagues?|classmates?|family|
    kids?|child(?:ren)?|baby|man|men|woman|women|guy|people|persons?|cops?|president|roommate|friends?|
    students?|someone|somebody) \b (?!\x20(?:process|thread|task|job|node|window|pod)) )
  (?<person> (?:you|u|him|her|everyone|everybody|someone|somebody|them\x20all|y'all) \b
      (?!\x20(?:process|thread|task|job|node|vibe|mood|score|server)) |
    (?:my|your|his|her|their|our|the|this|that|these|those|an?|all)\x20(?:\w+\x20)?(?&human) )
  (?<i_will> \b(?:i|we)(?:\x20(?:really|just|swear|promise|so))*(?:'ll|\x20will|\x20shall|(?:'m|
      \x20am|'re|\x20are)\x20(?:going\x20to|gonna)|\x20(?:want|plan|intend|need|have)\x20to|
      \x20wanna|\x20gonna)\x20(?:\w+ly\x20|just\x20|so\x20)? )
  (?<kill> (?:kill|murder|stab|strangle|slaughter|butcher|behead|lynch|assassinate|poison)\x20 )
  (?<how> \b(?:how\x20(?:(?:do|can|could|would|should|might|does)\x20(?:i|you|we|one|someone)|to)|
      (?:tell|show|teach)\x20me\x20how\x20to|(?:instructions?|steps?|guide|recipe|tutorial)\x20
      (?:for|to|on)(?:\x20how\x20to)?|(?:best|easiest|quickest|cheapest|simplest)\x20way\x20to|
        help\x20me(?:\x20to)?)\x20(?:\w+ly\x20)? )
  (?<make> (?:make|making|build|building|assemble|assembling|construct|constructing|create|
      creating|synthesi[sz]e|synthesi[sz]ing|cook|cooking|produce|producing|manufacture|
      manufacturing|brew)\x20 )
  (?<gap> (?:[\w'-]+\x20){0,4} )
  (?<few> (?:[\w'-]+\x20){0,2} )
  (?<group> (?:jews|muslims|christians|hindus|blacks|whites|asians|latinos|mexicans|arabs|
      africans|indians|gays|lesbians|homosexuals|immigrants|migrants|refugees|gypsies|women) |
    (?:black|white|asian|latino|mexican|arab|african|chinese|indian|jewish|muslim|gay|lesbian|trans|
      transgender|disabled|roma)\x20(?:people|folks|men|women) )
  (?<minor> (?:child(?:ren)?|kids?|minors?|toddlers?|infants?|pre-?teens?|school(?:girl|boy)s?|
      underage\x20\w+|little\x20(?:girl|boy)s?|(?:[1-9]|1[0-7])[\x20-]?years?[\x20-]?olds?)\b )
  (?<zh_person> [你您妳他她]们? | 所有人 | [我你他她](?:的)?(?:老婆|老公|妻子|
      丈夫|女友|男友|女朋友|男朋友|父母|爸爸?|妈妈?|同学|老师|同事|邻居|
      室友|老板|孩子|全家|家人) | 全家 |(?:一个|那个|这个)?(?:女人|男人|
      人)(?![机工格民]) )
  (?<zh_process> 的?(?:子|后台|父|主)?(?:进程|线程|程序|任务|作业|服务|游戏|
      角色|棋子|时间) )
  (?<zh_how> (?:怎么|怎样|怎麽|怎麼|如何|教我|告诉我|教程|步骤)
      (?![^。！？?!.]{0,8}(?:预防|防止|防范|避免|举报|识别|识破|阻止|打击|
        鉴别|应对|帮助|劝|干预|看待|理解|治疗|安慰|拆除|处理)) )
))";

constexpr ModerationRule kRules[] = {
    // Threats.
    {kThreat, 0.9, R"((?&i_will)(?&kill)(?&person))"},
    {kThreat, 0.7,
     R"((?&i_will)shoot\x20(?:(?:him|her|everyone|everybody)\b(?!')|you\b(?!\x20(?:an?|the|some|
        over|your|my)\b)))"},
    {kThreat, 0.9,
     R"((?&i_will)beat\x20(?&person)\x20(?:up|to\x20death|to\x20a\x20pulp|senseless)\b)"},
    {kThreat, 0.9,
     R"((?&i_will)(?:break|snap|cut|slit|slash)\x20(?:your|his|her|their)\x20(?:neck|legs?|arms?|
        fingers|throat)\b)"},
    {kThreat, 0.9,
     R"((?&i_will)(?:blow\x20up|bomb|burn\x20down|set\x20fire\x20to|shoot\x20up)\x20(?:the|your|
        my|this|that|his|her|their|a)\x20(?&few)(?:school|house|home|office|church|mosque|
        synagogue|hospital|airport|building|car)\b)"},
    {kThreat, 0.6,
     R"(\b(?:i\x20know\x20where\x20you\x20live\b(?=\W*(?:$|and|so|watch))|you(?:'re|
        \x20are)\x20dead\x20meat))"},
    {kThreat, 0.9,
     R"([我俺咱](?:们)?(?:一定|真的?|早晚|迟早|马上|现在|今晚|明天|就|会|
        要|想|非得?|必须|好){1,4}(?:亲手)?
        (?:[杀殺宰][死了掉光]{0,2}|(?:弄|打|砍|捅|掐|揍|炸|毒|勒)死|干掉|
        做掉)了?(?&zh_person)(?!(?&zh_process)|的(?!全?家|老|爸|妈|父|母|孩|儿|
        女)))"},
    {kViolence | kWeapons, 0.8,
     R"((?&how)(?&kill)(?:(?:my|your|his|her|their|an?|the)\x20(?:\w+\x20)?(?&human)|someone\b|
        somebody\b|people\b))"},
    {kViolence | kWeapons, 0.8,
     R"((?&zh_how)[^，。！？?!,.]{0,6}(?:[杀殺][死了掉]?|毒死|弄死|
        勒死)(?:一个)?(?&zh_person)(?!(?&zh_process)))"},

    // Harassment.
    {kHarassment, 0.8,
     R"(\byou(?:'re|\x20are|\x20r)\x20(?:all\x20)?(?:just\x20|such\x20|nothing\x20but\x20|
        so\x20)?(?:an?\x20)?(?:(?:fucking|stupid|worthless|pathetic|ugly|useless|disgusting|
        complete|total)\x20)*(?:idiots?|morons?|bitch(?:es)?|loser|scumbag|piece\x20of\x20(?:shit|
        trash|garbage)|imbecile|whore|slut|retard(?:ed)?|cunt|worthless|pathetic)\b)"},
    {kHarassment, 0.7,
     R"(\b(?:fuck|screw)\x20you\b(?!\x20up)|\byou\x20(?:stupid|worthless|pathetic|fucking|
        dumb)\x20(?:idiot|moron|bitch|piece|loser|whore|cunt)\b)"},
    {kHarassment, 0.6,
     R"(\b(?:nobody|no\x20one)\x20(?:loves|likes|wants)\x20you\b|\bthe\x20world\x20(?:is|
        would\x20be)\x20better\x20(?:off\x20)?without\x20you\b)"},
    {kHarassment, 0.8,
     R"(你(?:们|就|真|他妈|他媽|这|个|是|一|的确|简直){1,5}(?:白痴|
        傻[逼比屄]|废物|廢物|贱人|賤人|蠢货|脑残|智障|人渣|狗屎|婊子|
        畜生|垃圾(?!分类|桶|处理|回收|袋|站|箱|邮件)))"},
    {kHarassment, 0.7,
     R"((?:操|肏|艹)你(?:妈|媽|全家|大爷|祖宗)|滚去死|(?:你|妳)(?:怎么|
        咋)不去死|(?:^|[你，。！,!\x20])去死吧|没人(?:会)?(?:爱|喜欢|
        在乎)你)"},

    // Hate.
    {kHate, 0.8,
     R"(\b(?:all\x20|these\x20|those\x20)?(?&group)\x20(?:are|is)\x20(?:all\x20|just\x20|
        nothing\x20but\x20)?(?:an?\x20)?(?:vermin|subhumans?|sub-human|parasites|cockroaches|rats|
        animals|inferior|filth|scum|a\x20disease|a\x20plague|garbage|trash|savages)\b)"},
    {kHate | kHateThreatening | kViolence, 0.9,
     R"(\b(?:kill|exterminate|gas|lynch|eradicate|wipe\x20out)\x20(?:all\x20)?(?:the\x20|
        these\x20|those\x20)?(?&group)\b)"},
    {kHate | kHateThreatening | kViolence, 0.9,
     R"(\b(?&group)\x20(?:should|must|need\x20to|have\x20to|
        deserve\x20to)\x20(?:all\x20)?(?:be\x20(?:killed|exterminated|gassed|shot|lynched|
        eradicated|wiped\x20out|burned)|die)\b)"},
    {kHate, 0.7,
     R"(\b(?:n[i1]gg(?:er|a)|kike|faggot|wetback|chink)s?\b(?!\x20in\x20the\x20armou?r))"},
    {kHate, 0.8,
     R"((?:犹太人|穆斯林|回民|黑人|白人|同性恋|女人|移民|难民|外地人|
        河南人|日本人|中国人|残疾人)(?:们)?(?:就|全|都|
        统统){0,2}(?:是(?:畜生|蛆|蟑螂|垃圾|劣等|低等|禽兽|害虫|寄生虫)|
        (?:该|应该|应当|得|给我)(?:全|都)?(?:去|被)?(?:死(?!心|磕|记)|杀|消灭|
        灭绝)))"},
    {kHate | kHateThreatening | kViolence, 0.9,
     R"((?:杀光|殺光|灭绝|消灭|清洗|屠杀)(?:所有|全部|这些|
        那些)?的?(?:犹太人|穆斯林|回民|黑人|白人|同性恋|移民|难民|日本人|
        中国人))"},
    {kHate, 0.7, R"(黑鬼|支那(?:猪|人)|死基佬)"},

    // Illicit.
    {kWeapons, 0.9,
     R"((?:(?&how)(?&gap)|(?:^|[.!?]\x20|\bplease\x20|\b(?:i|we)\x20(?:want|need|
        plan)\x20to\x20))(?&make)(?&gap)(?:pipe\x20bombs?|nail\x20bombs?|dirty\x20bombs?|
        car\x20bombs?|bombs?\x20at\x20home|explosives\b|explosive\x20(?:device|vest|charge)s?|
        hand\x20grenades?|molotov(?:\x20cocktails?)?|nerve\x20(?:gas|agents?)|sarin|
        mustard\x20gas|ricin|bioweapons?|ghost\x20guns?|(?:untraceable|homemade|
        3d[\x20-]printed)\x20(?:guns?|firearms?|rifles?|pistols?)|suicide\x20vests?|napalm|
        thermite|nitroglycerin|tatp)\b)"},
    {kWeapons, 0.9,
     R"((?&how)(?&make)(?&gap)(?<!bath\x20|seed\x20|zip\x20|fork\x20|logic\x20|cherry\x20|
        glitter\x20|cocoa\x20|chocolate\x20|stink\x20|photo\x20|bug\x20|water\x20|
        yarn\x20)bombs?\b(?!\x20(?:calorimeter|shelter|cyclone|game|sprite|emoji|icon|model|
        in\x20(?:minecraft|roblox|unity|the\x20game))))"},
    {kWeapons, 0.8,
     R"((?&how)(?:buy|get|obtain)\x20(?&gap)(?:illegal\x20(?:guns?|firearms?|weapons?)|(?:guns?|
        firearms?|weapons?)\x20(?:illegally|without\x20a\x20(?:license|licence|
        background\x20check)|on\x20the\x20(?:dark\x20web|black\x20market)))\b)"},
    {kIllicit, 0.8,
     R"((?&how)(?:(?&make)(?&few)(?:crystal\x20)?(?:meth|methamphetamine|heroin|cocaine|
        crack\x20cocaine|fentanyl|mdma|lsd|counterfeit\x20\w+|fake\x20(?:ids?|passports?|money))|
        launder\x20money|shoplift|hot-?wire\x20|evade\x20taxes|commit\x20(?:fraud|tax\x20fraud|
        arson|identity\x20theft)|forge\x20(?&few)(?:signatures?|passports?|checks?|documents?|
        prescriptions?)|steal\x20(?&few)(?:cars?|bikes?|credit\x20cards?|identit(?:y|ies)|
        passwords?|money)|rob\x20(?:an?|the)\x20(?:banks?|stores?|houses?))\b)"},
    {kIllicit, 0.8,
     R"((?&how)(?:hack|break|get|log)\x20(?:in|into)(?:\x20to)?\x20(?:my\x20(?:ex|wife|husband|
        girlfriend|boyfriend|neighbou?r|boss|friend)|someone|somebody|another\x20person|
        other\x20people|his|her|their)\b)"},
    {kIllicit, 0.7,
     R"(\b(?:write|create|make|give|build|code)\x20(?:me\x20)?(?&few)(?:ransomware|keylogger|
        computer\x20virus|phishing\x20(?:e-?mail|page|site))\b(?!\x20(?:detect|awareness|training|
        filter|scanner|removal|protection|incident|policy)))"},
    {kWeapons, 0.9,
     R"((?&zh_how)[^。！？?!]{0,10}(?:制作|製作|制造|製造|做|造|组装|合成|自制|
        配制|
        调配)[^。！？?!]{0,8}(?<!沐浴)(?<!泡澡)(?<!浴盐)(?<!水)(?<!玩具)(?:炸弹(?!人|
        游戏|面包|蛋糕|鸡|酒|卡|特效|动画|图标)|炸彈|炸药|枪支|
        手枪(?!玩具|模型)|步枪(?!模型)|土枪|燃烧瓶|毒气|沙林|手雷|手榴弹|
        雷管|生化武器|硝化甘油)(?!模型|玩具|蛋糕|道具|特效|面具|积木|
        动画|游戏))"},
    {kIllicit, 0.8,
     R"((?&zh_how)[^。！？?!]{0,8}(?:(?:制作|制造|合成|提炼|制取|煮|做|
        种)[^。！？?!]{0,4}(?:冰毒|海洛因|毒品|摇头丸|甲基苯丙胺|芬太尼|
        可卡因|大麻(?!烦|雨|哈)|假钞|假币)|制毒|洗钱|偷(?:东西|车|税|钱)|
        逃税|诈骗(?:别人|他人|老人|钱)|(?:入侵|黑进|盗取|
        破解)[^。！？?!]{0,4}(?:别人|他人|前任|前女友|前男友|老婆|老公|
        同事)|盗刷|盗号|伪造(?:身份证|护照|公章|签名|证件|人民币|
        文凭)))"},

    // Self-harm.
    {kSelfHarm | kSelfHarmIntent, 0.9,
     R"(\bi(?:'m|\x20am|'ve\x20been|\x20have\x20been)?(?:\x20(?:just|really|always|still|often|
        seriously|constantly|only))*\x20(?:want|wanna|need|plan|planning|going|gonna|intend|ready|
        about|decided|thinking\x20(?:of|about)|
        considering)(?:\x20to)?\x20(?:just\x20)?(?:kill(?:ing)?\x20myself|
        end(?:ing)?\x20(?:my\x20(?:own\x20)?life|it\x20all)|(?:commit|committing)\x20suicide|
        suicide|tak(?:e|ing)\x20my\x20own\x20life|(?:hurt|harm)(?:ing)?\x20myself|self-?harm|
        hang(?:ing)?\x20myself|cut(?:ting)?\x20myself(?!\x20(?:an?|some|off|out|short|another|
        free)\b))\b)"},
    {kSelfHarm | kSelfHarmIntent, 0.8,
     R"(\bi\x20(?:(?:just|really)\x20)?(?:want\x20to|wanna)\x20(?:die\b(?!\x20(?:of|from|laughing|
        on|for|in|a|trying|hair|my|this))|be\x20dead\b)|\bi\x20wish\x20i\x20(?:was|
        were)\x20dead\b|\bi(?:'m|\x20am)\x20suicidal\b|\bi\x20(?:don't|do\x20not|
        dont)\x20want\x20to\x20(?:live|be\x20alive|exist)\b(?!\x20(?:in|with|at|here|there|near|
        on|like|under|by|alone))|\bi(?:'ve|\x20have)\x20been\x20cutting\x20myself\b)"},
    {kSelfHarm | kSelfHarmInstructions, 0.9,
     R"((?:(?&how)|\bhow\x20(?:should|could)\x20i\x20|\b(?:painless|ways?|
        methods?)\x20(?&few)(?:to|of|for)\x20)(?:kill(?:ing)?\x20(?:myself|yourself|oneself)|
        (?:commit|committing)\x20suicide|end(?:ing)?\x20my\x20(?:own\x20)?life|
        hang(?:ing)?\x20myself|slit(?:ting)?\x20my\x20wrists?|cut(?:ting)?\x20my\x20wrists?|
        self-?harm\b(?!\x20(?:prevention|recovery|awareness|scars)))\b)"},
    {kSelfHarm | kSelfHarmInstructions, 0.8,
     R"(\bhow\x20many\x20(?&few)(?:pills|tablets|sleeping\x20pills|tylenol|
        paracetamol)\x20(?&gap)(?:to\x20)?(?:die|kill\x20(?:me|myself)|overdose)\b)"},
    {kSelfHarm | kHarassment | kSelfHarmInstructions, 0.8,
     R"(\b(?:go\x20(?:and\x20)?kill\x20yourself|kys|(?:you\x20should|please|
        just)\x20(?:go\x20)?(?:kill|hang)\x20yourself)\b)"},
    {kSelfHarm, 0.3,
     R"(\b(?:suicide|suicidal|self-?harm(?:ing)?|kill(?:ing)?\x20(?:myself|yourself))\b|自杀|
        自殺|自残|轻生)"},
    {kSelfHarm | kSelfHarmIntent, 0.9,
     R"([我俺](?:真的?|好|很|就|只|已经|现在|再也|每天都?|今晚|总是|经常|
        一直|不如|也){0,3}(?:想要?|要|打算|准备|决定|计划)(?:去|要|
        着)?(?:自杀|自殺|自残|自殘|轻生|割腕|上吊(?![桥床车顶灯塔])|
        跳楼(?![机价])|结束(?:自己|我)?的?(?:生命|一切)|了断|伤害自己|
        (?<!(?<!想)要)死(?![你您妳他她记机磕心守扛掉皮党锁循盯等撑抱缠啃]|
        在一起))|[我俺](?:真的|一点都?|再也|已经)?不想(?:再)?活(?:了|下去|
        着)|活着(?:真的?)?没(?:有)?(?:意思|意义))"},
    {kSelfHarm | kSelfHarmInstructions, 0.9,
     R"((?&zh_how)[^。！？?!]{0,6}(?:自杀|自殺|割腕|上吊|自残|结束(?:自己|
        我)的?生命|(?:无痛|没有痛苦)[^。！？?!]{0,4}死)|(?:无痛|最快|
        最简单)的?(?:自杀|死亡)?(?:方法|方式)[^。！？?!]{0,4}(?:自杀|去死)|
        (?:无痛|最快|最简单)的?自杀的?(?:方法|方式)|
        吃多少[^。！？?!]{0,6}(?:药|安眠药)[^。！？?!]{0,3}(?:会|能|才)死)"},

    // Sexual.
    {kSexual, 0.8,
     R"(\b(?:write|tell|give|send|show|generate|describe|make|
        create)\x20(?:me\x20)?(?&gap)(?:erotica|erotic\x20(?:stor(?:y|ies)|scenes?|fiction|novel|
        poem|chat|role-?play|content|fantasy|text|letter)|porn|pornographic|smut|
        sexually\x20explicit|nsfw|hardcore\x20sex)\b(?!\x20(?:filter|detect|block|class|polic|
        flag|addict|industr|statistic|law|ban\b)))"},
    {kSexual, 0.8,
     R"(\b(?:send|show)\x20(?:me\x20)?(?:your\x20|some\x20)?nudes\b|\b(?:want|wanna|going|
        gonna)\x20(?:to\x20)?(?:have\x20sex\x20with|fuck)\x20(?:you|her|him)\b(?!\x20up)|
        \bfuck\x20me\x20(?:hard|now|like)\b|\b(?:blow|hand)jobs?\b|\bcumshots?\b|\bgangbangs?\b|
        \bdeepthroat\w*\b)"},
    {kSexual, 0.3, R"(\b(?:porn|pornography|pornographic|erotic|masturbat\w+)\b|色情|自慰|
        手淫)"},
    {kSexual, 0.8,
     R"((?:写|讲|说|发|给|来|看|生成)[^。！？?!]{0,10}(?:色情|情色|成人|
        黄色)(?:小说|故事|图片|视频|照片|内容|片|电影)|(?:发|看|
        给)[^。！？?!]{0,6}(?:裸照|裸体照片|黄片|a片(?!区))|(?:和|跟|
        与)[你她他](?:一起)?(?:做爱|上床(?!睡|休息))|想操你|约炮|
        (?<![路出进人窗港入接关])口交(?![通货易流费警换叉接汇界错税付])|
        肛交)"},
    {kSexual, 0.6,
     R"(做爱(?![心国护好情人家美好意的护吃])(?:的?(?:姿势|细节|过程|场景|
        视频)))"},
    {kSexual | kSexualMinors, 0.9,
     R"(\bchild\x20porn(?:ography)?\b|\bkiddie\x20porn\b|\blolicon\b|\bunderage\x20(?:porn|sex|
        nudes|girls?\x20(?:naked|nude))\b|\b(?:sex|
        intercourse)\x20with\x20(?:an?\x20)?(?&few)(?&minor)(?!\x20(?:in|at|around|sleeping|
        nearby|home|present))|\b(?:naked|nude|erotic|sexual|sexy|sexually\x20explicit|
        pornographic)\x20(?:pictures?|photos?|images?|videos?|stor(?:y|ies)|scenes?|
        pics?)\x20(?:of|with|about|involving|featuring)\x20(?&gap)(?&minor))"},
    {kSexual | kSexualMinors, 0.9,
     R"(儿童色情|幼女(?:色情|裸照|性交)|萝莉控色情|恋童(?!癖(?:是|的|者|
        治|症|罪|在|怎|行|属|如))|(?:和|跟|与|对)[^。！？?!]{0,4}(?:儿童|幼女|
        未成年人?|小学生|小女孩|小男孩)[^。！？?!]{0,4}(?:做爱|性交|上床|
        发生性关系|性行为)|(?:儿童|幼女|未成年人?|小学生|小女孩|
        小男孩)的?(?:裸照|裸体|黄片|色情))"},

    // Violence, without a threat.
    {kViolence | kViolenceGraphic, 0.8,
     R"(\b(?:(?:blood|guts|brains|entrails|intestines)\x20(?:\w+\x20){0,3}splattered|(?:entrails|
        intestines)\x20(?:\w+\x20){0,3}(?:ooz(?:ed|ing)|spill(?:ed|ing)\x20(?:out|from|onto)|
        hanging\x20out)|goug(?:ed?|ing)\x20(?:out\x20)?(?:his|her|their|your|my)\x20eyes?|
        skinn(?:ed|ing)\x20(?:\w+\x20)?alive|disembowel(?:l?ed|l?ing)?\x20(?:him|her|them|his|
        the)|(?:slit|slitting|slashed|slashing)\x20(?:his|her|their|your)\x20throat|
        dismember(?:ed|ing)\x20(?:the|his|her|their)\x20(?:body|corpse|victims?|limbs?)|saw(?:ed|
        ing)\x20(?:off|through)\x20(?:his|her|their)\x20(?:arm|leg|head|fingers?|limbs?))\b)"},
    {kViolence | kViolenceGraphic, 0.8,
     R"(血肉模糊|肠子[^。！？?!]{0,4}(?:流|掉|拖)|开膛破肚|(?:挖|抠)(?:出|
        掉)[^。！？?!]{0,4}眼(?:睛|珠|球)|碎尸|割(?:断|
        开)[^。！？?!]{0,4}(?:喉咙|喉管|脖子)|脑浆[^。！？?!]{0,4}(?:溅|流|迸)|
        剥(?:了|下)[^。！？?!]{0,3}人?皮)"},
    {kViolence, 0.3,
     R"(\b(?:murder(?:ed|er|s)?|massacre|behead(?:ed|ing)?|decapitat\w+|stabb(?:ed|ing)|
        mass\x20shooting|torture[ds]?)\b|杀人|殺人|谋杀|屠杀|砍死|捅死|枪击)"},
};

}  // namespace

std::string_view moderation_definitions() { return kDefinitions; }
std::span<const ModerationRule> moderation_rules() { return kRules; }

}  // namespace parley::server
