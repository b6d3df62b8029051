"""What clients send: the layout of every request this gateway understands, at server version 176."""

from __future__ import annotations

from ats.gateway.simulated.wire.layouts import Layout, Predicate, Values, layout

CONTRACT = "conId:int symbol secType expiry strike:dec right multiplier exchange primaryExchange currency localSymbol tradingClass"
_LEGS = "?bag( legs*( conId:int ratio:int action exchange ) )"
_PEGGED_TO_BENCHMARK = ("PEG BENCH", "PEGBENCH")


def _scaled(values: Values) -> bool:
    increment = values["scalePriceIncrement"]
    return increment is not None and increment > 0


_PREDICATES: dict[str, Predicate] = {
    "bag": lambda values: bool(values["secType"] == "BAG"),
    "deltaNeutralOrder": lambda values: bool(values["deltaNeutralOrderType"]),
    "deltaNeutralContract": lambda values: bool(values["deltaNeutral"]),
    "scaled": _scaled,
    "hedged": lambda values: bool(values["hedgeType"]),
    "algo": lambda values: bool(values["algoStrategy"]),
    "pegged": lambda values: values["orderType"] in _PEGGED_TO_BENCHMARK,
    "unconditional": lambda values: not values["conditionCount"],
}

PLACE_ORDER = f"""
    orderId:int {CONTRACT} secIdType secId
    action totalQuantity:dec orderType lmtPrice:dec auxPrice:dec
    tif ocaGroup account openClose origin:int orderRef transmit:bool parentId:int block:bool sweepToFill:bool
    displaySize:int triggerMethod:int outsideRth:bool hidden:bool
    ?bag( comboLegs*( conId:int ratio:int action exchange openClose:int shortSaleSlot:int designatedLocation exemptCode:int )
          comboLegPrices*( price:dec ) smartComboRouting*( tag value ) )
    sharesAllocation discretionaryAmt:dec goodAfterTime goodTillDate
    faGroup faMethod faPercentage faProfile modelCode
    shortSaleSlot:int designatedLocation exemptCode:int ocaType:int rule80A settlingFirm
    allOrNone:bool minQty:int percentOffset:dec eTradeOnly:bool firmQuoteOnly:bool nbboPriceCap:dec
    auctionStrategy:int startingPrice:dec stockRefPrice:dec delta:dec stockRangeLower:dec stockRangeUpper:dec
    overridePercentageConstraints:bool volatility:dec volatilityType:int deltaNeutralOrderType deltaNeutralAuxPrice:dec
    ?deltaNeutralOrder( deltaNeutralConId:int deltaNeutralSettlingFirm deltaNeutralClearingAccount deltaNeutralClearingIntent
          deltaNeutralOpenClose deltaNeutralShortSale:bool deltaNeutralShortSaleSlot:int deltaNeutralDesignatedLocation )
    continuousUpdate:bool referencePriceType:int trailStopPrice:dec trailingPercent:dec
    scaleInitLevelSize:int scaleSubsLevelSize:int scalePriceIncrement:dec
    ?scaled( scalePriceAdjustValue:dec scalePriceAdjustInterval:int scaleProfitOffset:dec scaleAutoReset:bool
          scaleInitPosition:int scaleInitFillQty:int scaleRandomPercent:bool )
    scaleTable activeStartTime activeStopTime hedgeType ?hedged( hedgeParam )
    optOutSmartRouting:bool clearingAccount clearingIntent notHeld:bool
    deltaNeutral:bool ?deltaNeutralContract( dnConId:int dnDelta:dec dnPrice:dec )
    algoStrategy ?algo( algoParams*( tag value ) ) algoId
    whatIf:bool miscOptions solicited:bool randomizeSize:bool randomizePrice:bool
    ?pegged( referenceContractId:int isPeggedChangeAmountDecrease:bool peggedChangeAmount:dec referenceChangeAmount:dec
          referenceExchangeId )
    conditionCount:int
    ?unconditional( adjustedOrderType triggerPrice:dec lmtPriceOffset:dec adjustedStopPrice:dec adjustedStopLimitPrice:dec
          adjustedTrailingAmount:dec adjustableTrailingUnit:int extOperator softDollarName softDollarValue cashQty:dec
          mifid2DecisionMaker mifid2DecisionAlgo mifid2ExecutionTrader mifid2ExecutionAlgo
          dontUseAutoPriceForHedge:bool isOmsContainer:bool discretionaryUpToLimitPrice:bool usePriceMgmtAlgo:bool
          duration:int postToAts:int autoCancelParent:bool advancedErrorOverride manualOrderTime )
"""

_TABLE: tuple[tuple[int, str, str], ...] = (
    (71, "startApi", "version:int clientId:int capabilities"),
    (8, "reqIds", "version:int count:int"),
    (17, "reqManagedAccts", "version:int"),
    (49, "reqCurrentTime", "version:int"),
    (14, "setServerLogLevel", "version:int level:int"),
    (9, "reqContractDetails", f"version:int reqId:int {CONTRACT} includeExpired:bool secIdType secId issuerId"),
    (91, "reqMarketRule", "marketRuleId:int"),
    (81, "reqMatchingSymbols", "reqId:int pattern"),
    (78, "reqSecDefOptParams", "reqId:int symbol exchange secType conId:int"),
    (
        1,
        "reqMktData",
        (
            f"version:int reqId:int {CONTRACT} {_LEGS} deltaNeutral:bool ?deltaNeutralContract( dnConId:int dnDelta:dec dnPrice:dec )"
            " genericTicks snapshot:bool regulatorySnapshot:bool options"
        ),
    ),
    (2, "cancelMktData", "version:int reqId:int"),
    (59, "reqMarketDataType", "version:int marketDataType:int"),
    (97, "reqTickByTickData", f"reqId:int {CONTRACT} kind numberOfTicks:int ignoreSize:bool"),
    (98, "cancelTickByTickData", "reqId:int"),
    (10, "reqMktDepth", f"version:int reqId:int {CONTRACT} rows:int smartDepth:bool options"),
    (11, "cancelMktDepth", "version:int reqId:int smartDepth:bool"),
    (50, "reqRealTimeBars", f"version:int reqId:int {CONTRACT} barSize:int whatToShow useRTH:bool options"),
    (51, "cancelRealTimeBars", "version:int reqId:int"),
    (
        20,
        "reqHistoricalData",
        (
            f"reqId:int {CONTRACT} includeExpired:bool endDateTime barSize duration useRTH:bool whatToShow formatDate:int"
            f" {_LEGS} keepUpToDate:bool options"
        ),
    ),
    (25, "cancelHistoricalData", "version:int reqId:int"),
    (87, "reqHeadTimestamp", f"reqId:int {CONTRACT} includeExpired:bool useRTH:bool whatToShow formatDate:int"),
    (90, "cancelHeadTimestamp", "reqId:int"),
    (
        96,
        "reqHistoricalTicks",
        (
            f"reqId:int {CONTRACT} includeExpired:bool startDateTime endDateTime numberOfTicks:int whatToShow useRTH:bool"
            " ignoreSize:bool options"
        ),
    ),
    (3, "placeOrder", PLACE_ORDER),
    (4, "cancelOrder", "version:int orderId:int manualCancelTime"),
    (58, "reqGlobalCancel", "version:int"),
    (5, "reqOpenOrders", "version:int"),
    (16, "reqAllOpenOrders", "version:int"),
    (15, "reqAutoOpenOrders", "version:int autoBind:bool"),
    (99, "reqCompletedOrders", "apiOnly:bool"),
    (7, "reqExecutions", "version:int reqId:int clientId:int account time symbol secType exchange side"),
    (61, "reqPositions", "version:int"),
    (64, "cancelPositions", "version:int"),
    (74, "reqPositionsMulti", "version:int reqId:int account modelCode"),
    (75, "cancelPositionsMulti", "version:int reqId:int"),
    (6, "reqAccountUpdates", "version:int subscribe:bool account"),
    (76, "reqAccountUpdatesMulti", "version:int reqId:int account modelCode ledgerAndNLV:bool"),
    (77, "cancelAccountUpdatesMulti", "version:int reqId:int"),
    (62, "reqAccountSummary", "version:int reqId:int group tags"),
    (63, "cancelAccountSummary", "version:int reqId:int"),
    (92, "reqPnL", "reqId:int account modelCode"),
    (93, "cancelPnL", "reqId:int"),
    (94, "reqPnLSingle", "reqId:int account modelCode conId:int"),
    (95, "cancelPnLSingle", "reqId:int"),
    (104, "reqUserInfo", "reqId:int"),
)

REQUESTS: dict[int, Layout] = {number: layout(number, name, words, _PREDICATES) for number, name, words in _TABLE}
"""Every request by its message id."""
