"""What the gateway sends: the layout of every message, at server version 176.

Defaults are what a real gateway sends for a plain stock order; a field without a default must be given.
"""

from __future__ import annotations

from ats.gateway.simulated.wire.layouts import UNSET_DOUBLE, UNSET_INTEGER, UNSET_LONG, Layout, layout

_CONTRACT = "conId:int symbol secType expiry= strike=0 right= multiplier= exchange currency localSymbol tradingClass"
_ORDER_CONTRACT = _CONTRACT.replace("right=", "right=?")
_EXECUTION_CONTRACT = _CONTRACT.replace("strike=0", "strike=0.0")
_UNSET = f"={UNSET_DOUBLE}"

_ORDER_HEAD = "action totalQuantity:dec orderType lmtPrice:dec=0.0 auxPrice:dec=0.0 tif ocaGroup= account openClose= origin:int=0 orderRef="
_MARGINS = " ".join(
    f"{name}:dec{_UNSET}"
    for name in (
        "initMarginBefore",
        "maintMarginBefore",
        "equityWithLoanBefore",
        "initMarginChange",
        "maintMarginChange",
        "equityWithLoanChange",
        "initMarginAfter",
        "maintMarginAfter",
        "equityWithLoanAfter",
    )
)
_PEG_OFFSETS = "minTradeQty= minCompeteSize=100 competeAgainstBestOffset=0.02 midOffsetAtWhole= midOffsetAtHalf="

OPEN_ORDER = f"""
    orderId:int {_ORDER_CONTRACT} {_ORDER_HEAD} clientId:int permId:int
    outsideRth:bool=0 hidden:bool=0 discretionaryAmt=0 goodAfterTime= sharesAllocation=
    faGroup= faMethod= faPercentage= faProfile= modelCode= goodTillDate= rule80A= percentOffset= settlingFirm=
    shortSaleSlot=0 designatedLocation= exemptCode=-1 auctionStrategy=0 startingPrice= stockRefPrice= delta= stockRangeLower=
    stockRangeUpper= displaySize={UNSET_INTEGER} block=0 sweepToFill=0 allOrNone=0 minQty= ocaType=3 eTradeOnly=0
    firmQuoteOnly=0 nbboPriceCap= parentId:int=0 triggerMethod=0 volatility= volatilityType=0
    deltaNeutralOrderType=None deltaNeutralAuxPrice=
    deltaNeutralConId=0 deltaNeutralSettlingFirm= deltaNeutralClearingAccount= deltaNeutralClearingIntent=
    deltaNeutralOpenClose=? deltaNeutralShortSale=0 deltaNeutralShortSaleSlot=0 deltaNeutralDesignatedLocation=
    continuousUpdate=0 referencePriceType=0 trailStopPrice= trailingPercent= basisPoints= basisPointsType=
    comboLegsDescrip= comboLegCount=0 comboLegPriceCount=0 smartComboRoutingCount=0
    scaleInitLevelSize={UNSET_INTEGER} scaleSubsLevelSize={UNSET_INTEGER} scalePriceIncrement= hedgeType= optOutSmartRouting=0
    clearingAccount= clearingIntent=IB notHeld=0 deltaNeutral=0 algoStrategy= solicited=0 whatIf:bool=0
    status {_MARGINS} commission:dec{_UNSET} minCommission:dec{_UNSET} maxCommission:dec{_UNSET} commissionCurrency= warningText=
    randomizeSize=0 randomizePrice=0 conditionCount=0 adjustedOrderType=None triggerPrice{_UNSET}
    trailStopPriceAgain{_UNSET} lmtPriceOffset{_UNSET} adjustedStopPrice{_UNSET} adjustedStopLimitPrice{_UNSET}
    adjustedTrailingAmount{_UNSET} adjustableTrailingUnit=0 softDollarName= softDollarValue= softDollarDisplay= cashQty=0
    dontUseAutoPriceForHedge=1 isOmsContainer=0 discretionaryUpToLimitPrice=0 usePriceMgmtAlgo=0 duration={UNSET_INTEGER}
    postToAts={UNSET_INTEGER} autoCancelParent=0 {_PEG_OFFSETS}
"""

COMPLETED_ORDER = f"""
    {_ORDER_CONTRACT} {_ORDER_HEAD} permId:int
    outsideRth:bool=0 hidden:bool=0 discretionaryAmt=0 goodAfterTime= faGroup= faMethod= faPercentage= faProfile= modelCode=
    goodTillDate= rule80A= percentOffset= settlingFirm= shortSaleSlot=0 designatedLocation= exemptCode=-1
    startingPrice= stockRefPrice= delta= stockRangeLower= stockRangeUpper= displaySize={UNSET_INTEGER} sweepToFill=0
    allOrNone=0 minQty= ocaType=3 triggerMethod=0 volatility= volatilityType=0 deltaNeutralOrderType=None
    deltaNeutralAuxPrice= deltaNeutralConId=0 deltaNeutralShortSale=0 deltaNeutralShortSaleSlot=0 deltaNeutralDesignatedLocation=
    continuousUpdate=0 referencePriceType=0 trailStopPrice= trailingPercent= comboLegsDescrip= comboLegCount=0
    comboLegPriceCount=0 smartComboRoutingCount=0 scaleInitLevelSize={UNSET_INTEGER} scaleSubsLevelSize={UNSET_INTEGER}
    scalePriceIncrement= hedgeType= clearingAccount= clearingIntent=IB notHeld=0 deltaNeutral=0 algoStrategy= solicited=0
    status randomizeSize=0 randomizePrice=0 conditionCount=0 trailStopPriceAgain{_UNSET} lmtPriceOffset{_UNSET} cashQty=0
    dontUseAutoPriceForHedge=1 isOmsContainer=0 autoCancelDate= filledQuantity:dec refFuturesConId={UNSET_INTEGER}
    autoCancelParent=0 shareholder= imbalanceOnly=0 routeMarketableToBbo=0 parentPermId={UNSET_LONG}
    completedTime completedStatus {_PEG_OFFSETS}
"""

CONTRACT_DETAILS = """
    reqId:int symbol secType expiry= strike=0 right= exchange currency localSymbol marketName tradingClass conId:int
    minTick:dec multiplier= orderTypes validExchanges priceMagnifier=1 underConId=0 longName:esc primaryExchange
    contractMonth= industry= category= subcategory= timeZoneId tradingHours liquidHours evRule= evMultiplier=
    secIds*( tag value ) aggGroup=1 underSymbol= underSecType= marketRuleIds realExpirationDate= stockType
    minSize:dec sizeIncrement:dec suggestedSizeIncrement:dec
"""

_BAR = "date open:dec high:dec low:dec close:dec volume:dec wap:dec barCount:int"

_TABLE: tuple[tuple[int, str, str], ...] = (
    (15, "managedAccounts", "version=1 accounts"),
    (9, "nextValidId", "version=1 orderId:int"),
    (4, "error", "version=2 reqId:int code:int text:esc advancedOrderRejectJson="),
    (49, "currentTime", "version=1 seconds:int"),
    (10, "contractDetails", CONTRACT_DETAILS),
    (52, "contractDetailsEnd", "version=1 reqId:int"),
    (93, "marketRule", "marketRuleId:int increments*( lowEdge:dec increment:dec )"),
    (
        79,
        "symbolSamples",
        "reqId:int samples*( conId:int symbol secType primaryExchange currency derivatives*( secType ) description:esc issuerId= )",
    ),
    (
        75,
        "securityDefinitionOptionParameter",
        "reqId:int exchange conId:int tradingClass multiplier expirations*( date ) strikes*( strike:dec )",
    ),
    (76, "securityDefinitionOptionParameterEnd", "reqId:int"),
    (58, "marketDataType", "version=1 reqId:int marketDataType:int"),
    (81, "tickReqParams", "reqId:int minTick:dec bboExchange snapshotPermissions:int"),
    (1, "tickPrice", "version=6 reqId:int tickType:int price:dec size:dec attribMask:int=0"),
    (2, "tickSize", "version=6 reqId:int tickType:int size:dec"),
    (46, "tickString", "version=6 reqId:int tickType:int value"),
    (45, "tickGeneric", "version=6 reqId:int tickType:int value:dec"),
    (57, "tickSnapshotEnd", "version=1 reqId:int"),
    (50, "realtimeBar", "version=3 reqId:int time:int open:dec high:dec low:dec close:dec volume:dec wap:dec count:int"),
    (17, "historicalData", f"reqId:int start end bars*( {_BAR} )"),
    (
        90,
        "historicalDataUpdate",
        "reqId:int barCount:int date open:dec close:dec high:dec low:dec wap:dec volume:dec",
    ),
    (88, "headTimestamp", "reqId:int timestamp"),
    (96, "historicalTicks", "reqId:int ticks*( time:int mask=0 price:dec size:dec ) done:bool"),
    (97, "historicalTicksBidAsk", "reqId:int ticks*( time:int mask:int=0 bid:dec ask:dec bidSize:dec askSize:dec ) done:bool"),
    (98, "historicalTicksLast", "reqId:int ticks*( time:int mask:int=0 price:dec size:dec exchange conditions= ) done:bool"),
    (
        3,
        "orderStatus",
        (
            "orderId:int status filled:dec remaining:dec avgFillPrice:dec permId:int parentId:int=0 lastFillPrice:dec clientId:int"
            " whyHeld= mktCapPrice=0"
        ),
    ),
    (5, "openOrder", OPEN_ORDER),
    (53, "openOrderEnd", "version=1"),
    (101, "completedOrder", COMPLETED_ORDER),
    (102, "completedOrdersEnd", ""),
    (
        11,
        "execDetails",
        (
            f"reqId:int orderId:int {_EXECUTION_CONTRACT} execId time account venue side shares:dec price:dec permId:int clientId:int"
            " liquidation=0 cumQty:dec avgPrice:dec orderRef= evRule= evMultiplier= modelCode= lastLiquidity:int"
        ),
    ),
    (55, "execDetailsEnd", "version=1 reqId:int"),
    (59, "commissionReport", f"version=1 execId commission:dec currency realizedPNL:dec yield{_UNSET} yieldRedemptionDate="),
    (61, "position", f"version=3 account {_CONTRACT} position:dec avgCost:dec"),
    (62, "positionEnd", "version=1"),
    (71, "positionMulti", f"version=1 reqId:int account {_CONTRACT} position:dec avgCost:dec modelCode="),
    (72, "positionMultiEnd", "version=1 reqId:int"),
    (6, "accountValue", "version=2 key value currency account"),
    (
        7,
        "portfolioValue",
        f"version=8 {_CONTRACT} position:dec marketPrice:dec marketValue:dec avgCost:dec unrealizedPNL:dec realizedPNL:dec account",
    ),
    (8, "accountTime", "version=1 timestamp"),
    (54, "accountDownloadEnd", "version=1 account"),
    (73, "accountUpdateMulti", "version=1 reqId:int account modelCode= key value currency"),
    (74, "accountUpdateMultiEnd", "version=1 reqId:int"),
    (63, "accountSummary", "version=1 reqId:int account tag value currency"),
    (64, "accountSummaryEnd", "version=1 reqId:int"),
    (94, "pnl", "reqId:int dailyPnL:dec unrealizedPnL:dec realizedPnL:dec"),
    (95, "pnlSingle", "reqId:int position:dec dailyPnL:dec unrealizedPnL:dec realizedPnL:dec value:dec"),
    (107, "userInfo", "reqId:int whiteBrandingId="),
)

# Four forms share one message id: the kind decides the fields.
_TICK_BY_TICK: tuple[tuple[str, str], ...] = (
    ("tickByTickLast", "reqId:int kind=1 time:int price:dec size:dec mask:int=0 exchange conditions="),
    ("tickByTickAllLast", "reqId:int kind=2 time:int price:dec size:dec mask:int=0 exchange conditions="),
    ("tickByTickBidAsk", "reqId:int kind=3 time:int bid:dec ask:dec bidSize:dec askSize:dec mask:int=0"),
    ("tickByTickMidPoint", "reqId:int kind=4 time:int price:dec"),
)

MESSAGES: dict[str, Layout] = {name: layout(number, name, words) for number, name, words in _TABLE} | {
    name: layout(99, name, words) for name, words in _TICK_BY_TICK
}
"""Every message by its name."""
