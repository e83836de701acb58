/* The common cases of the common instructions; lvm.c includes it (patches/interpreter-loop.patch), and
   docs/decisions/0010-where-the-interpreters-time-goes.md says why.

   A compiler of wasm keeps few values in registers across calls, and 'luaV_execute' calls in almost every instruction's
   slow case: its loop lives in memory. This loop keeps what it needs in registers. Three rules make that so:

   - It has no loop inside. At the head of each the engine looks whether it is to interrupt, and may call.
   - After a call it reads everything anew ('enter'), so that nothing need survive. Calls are not inlined: they bring loops.
   - What else an instruction may need (metamethods, errors, allocation, barriers) is left to 'luaV_execute', by going back
     to it before the instruction has done anything ('leave').

   It must do exactly what 'luaV_execute' does, in fewer cases. */

static const TValue nowhere = {ABSTKEYCONSTANT};

/* The place of a short string in the hash part, 'nowhere', or NULL where three steps do not tell. */
l_sinline const TValue *string_slot (const Table *t, const TString *key) {
  Node *n = gnode(t, lmod(key->hash, sizenode(t)));
  if (l_unlikely(!(keyisshrstr(n) && eqshrstr(keystrval(n), key)))) {
    n += gnext(n);
    if (!(keyisshrstr(n) && eqshrstr(keystrval(n), key))) {
      n += gnext(n);
      if (!(keyisshrstr(n) && eqshrstr(keystrval(n), key))) return gnext(n) == 0 ? &nowhere : NULL;
    }
  }
  return gval(n);
}

/* The place of an integer in the array part, or NULL where it is not in there. */
l_sinline const TValue *integer_slot (const Table *t, lua_Integer key) {
  lua_Unsigned at = l_castS2U(key) - 1u;
  return l_likely(at < t->alimit) ? &t->array[at] : NULL;
}

/* Whether a value can be written where an old one is, or was, without a barrier and without asking anybody. */
l_sinline int writable (Table *t, const TValue *slot, const TValue *value) {
  if (slot == NULL || isfrozen(t) || (iscollectable(value) && isblack(t) && iswhite(gcvalue(value)))) return 0;
  if (l_likely(!isempty(slot))) return 1;
  if (isabstkey(slot) || t->metatable != NULL) return 0;
  invalidateTMcache(t);
  return 1;
}

/* Runs on from where 'ci' stands, also into calls and out of them; returns the frame whose next instruction is for
   'luaV_execute'. */
static __attribute__((noinline)) CallInfo *fast_path (lua_State *L, CallInfo *ci) {
  LClosure *cl;
  TValue *k;
  StkId base;
  const Instruction *pc;

#define leave  goto leave
#define done   break
#define enter(frame) { \
    ci = (frame); \
    cl = ci_func(ci); \
    k = cl->p->k; \
    base = ci->func.p + 1; \
    pc = ci->u.l.savedpc; }
#define jump_if(condition) { \
    if ((condition) != GETARG_k(i)) pc++; \
    else pc += GETARG_sJ(*pc) + 1; \
    done; }
#define compare(op) { \
    const TValue *a = s2v(RA(i)), *b = vRB(i); \
    if (ttisinteger(a) && ttisinteger(b)) jump_if(ivalue(a) op ivalue(b)); \
    if (ttisfloat(a) && ttisfloat(b)) jump_if(fltvalue(a) op fltvalue(b)); \
    leave; }
#define compare_immediate(op) { \
    const TValue *a = s2v(RA(i)); \
    if (ttisinteger(a)) jump_if(ivalue(a) op GETARG_sB(i)); \
    if (ttisfloat(a)) jump_if(fltvalue(a) op cast_num(GETARG_sB(i))); \
    leave; }
#define read(table, slot_) { \
    const TValue *slot = (slot_); \
    if (l_unlikely(slot == NULL)) leave; \
    if (l_unlikely(isempty(slot))) { \
      if ((table)->metatable != NULL) leave; \
      setnilvalue(s2v(RA(i))); \
      done; } \
    setobj2s(L, RA(i), slot); \
    done; }
#define write(table, slot_) { \
    const TValue *value = RKC(i), *slot = (slot_); \
    if (l_unlikely(!writable(table, slot, value))) leave; \
    setobj2t(L, cast(TValue *, slot), value); \
    done; }
#define bits(op, operand) { \
    const TValue *a = vRB(i), *b = (operand); \
    if (!ttisinteger(a) || !ttisinteger(b)) leave; \
    pc++; setivalue(s2v(RA(i)), intop(op, ivalue(a), ivalue(b))); \
    done; }
#define divide(operand, result) { \
    const TValue *a = vRB(i), *b = (operand); \
    if (!ttisinteger(a) || !ttisinteger(b) || ivalue(b) <= 0) leave; \
    lua_Integer q = ivalue(a) / ivalue(b), r = ivalue(a) % ivalue(b); \
    if (r < 0) { q--; r += ivalue(b); } \
    (void)q; (void)r; \
    pc++; setivalue(s2v(RA(i)), result); \
    done; }

  enter(ci);
  for (;;) {
    Instruction i = *(pc++);
    switch (GET_OPCODE(i)) {
      case OP_MOVE: setobjs2s(L, RA(i), RB(i)); done;
      case OP_LOADI: setivalue(s2v(RA(i)), GETARG_sBx(i)); done;
      case OP_LOADF: setfltvalue(s2v(RA(i)), cast_num(GETARG_sBx(i))); done;
      case OP_LOADK: setobj2s(L, RA(i), k + GETARG_Bx(i)); done;
      case OP_LOADFALSE: setbfvalue(s2v(RA(i))); done;
      case OP_LFALSESKIP: setbfvalue(s2v(RA(i))); pc++; done;
      case OP_LOADTRUE: setbtvalue(s2v(RA(i))); done;
      case OP_LOADNIL: {
        if (GETARG_B(i) != 0) leave;
        setnilvalue(s2v(RA(i)));
        done;
      }
      case OP_GETUPVAL: setobj2s(L, RA(i), cl->upvals[GETARG_B(i)]->v.p); done;
      case OP_SETUPVAL: {
        UpVal *upvalue = cl->upvals[GETARG_B(i)];
        const TValue *value = s2v(RA(i));
        if (iscollectable(value) && isblack(upvalue) && iswhite(gcvalue(value))) leave;
        setobj(L, upvalue->v.p, value);
        done;
      }
      case OP_GETTABUP: {
        const TValue *table = cl->upvals[GETARG_B(i)]->v.p;
        if (!ttistable(table)) leave;
        read(hvalue(table), string_slot(hvalue(table), tsvalue(KC(i))));
      }
      case OP_GETTABLE: {
        const TValue *table = vRB(i), *key = vRC(i);
        if (!ttistable(table)) leave;
        if (ttisinteger(key)) read(hvalue(table), integer_slot(hvalue(table), ivalue(key)));
        if (ttisshrstring(key)) read(hvalue(table), string_slot(hvalue(table), tsvalue(key)));
        leave;
      }
      case OP_GETI: {
        const TValue *table = vRB(i);
        if (!ttistable(table)) leave;
        read(hvalue(table), integer_slot(hvalue(table), GETARG_C(i)));
      }
      case OP_GETFIELD: {
        const TValue *table = vRB(i);
        if (!ttistable(table)) leave;
        read(hvalue(table), string_slot(hvalue(table), tsvalue(KC(i))));
      }
      case OP_SETTABUP: {
        const TValue *table = cl->upvals[GETARG_A(i)]->v.p;
        if (!ttistable(table)) leave;
        write(hvalue(table), string_slot(hvalue(table), tsvalue(KB(i))));
      }
      case OP_SETTABLE: {
        const TValue *table = s2v(RA(i)), *key = vRB(i);
        if (!ttistable(table)) leave;
        if (ttisinteger(key)) write(hvalue(table), integer_slot(hvalue(table), ivalue(key)));
        if (ttisshrstring(key)) write(hvalue(table), string_slot(hvalue(table), tsvalue(key)));
        leave;
      }
      case OP_SETI: {
        const TValue *table = s2v(RA(i));
        if (!ttistable(table)) leave;
        write(hvalue(table), integer_slot(hvalue(table), GETARG_B(i)));
      }
      case OP_SETFIELD: {
        const TValue *table = s2v(RA(i));
        if (!ttistable(table)) leave;
        write(hvalue(table), string_slot(hvalue(table), tsvalue(KB(i))));
      }
      case OP_SELF: {
        const TValue *object = vRB(i), *key = RKC(i), *method, *index;
        Table *metatable;
        if (!ttisshrstring(key)) leave;
        if (ttistable(object)) {
          method = string_slot(hvalue(object), tsvalue(key));
          if (method == NULL) leave;
          metatable = hvalue(object)->metatable;
        } else if (ttisfulluserdata(object)) {
          method = &nowhere;
          metatable = uvalue(object)->metatable;
        } else leave;
        if (isempty(method)) {  /* a class, one step away */
          if (metatable == NULL) leave;
          index = string_slot(metatable, G(L)->tmname[TM_INDEX]);
          if (index == NULL || !ttistable(index)) leave;
          method = string_slot(hvalue(index), tsvalue(key));
          if (method == NULL || isempty(method)) leave;
        }
        setobj2s(L, RA(i) + 1, object);
        setobj2s(L, RA(i), method);
        done;
      }
      case OP_ADDI: op_arithI(L, l_addi, luai_numadd); done;
      case OP_ADDK: op_arithK(L, l_addi, luai_numadd); done;
      case OP_SUBK: op_arithK(L, l_subi, luai_numsub); done;
      case OP_MULK: op_arithK(L, l_muli, luai_nummul); done;
      case OP_DIVK: op_arithfK(L, luai_numdiv); done;
      case OP_ADD: op_arith(L, l_addi, luai_numadd); done;
      case OP_SUB: op_arith(L, l_subi, luai_numsub); done;
      case OP_MUL: op_arith(L, l_muli, luai_nummul); done;
      case OP_DIV: op_arithf(L, luai_numdiv); done;
      case OP_MODK: divide(KC(i), r);
      case OP_MOD: divide(vRC(i), r);
      case OP_IDIVK: divide(KC(i), q);
      case OP_IDIV: divide(vRC(i), q);
      case OP_BANDK: bits(&, KC(i));
      case OP_BORK: bits(|, KC(i));
      case OP_BXORK: bits(^, KC(i));
      case OP_BAND: bits(&, vRC(i));
      case OP_BOR: bits(|, vRC(i));
      case OP_BXOR: bits(^, vRC(i));
      case OP_UNM: {
        const TValue *value = vRB(i);
        if (ttisinteger(value)) { setivalue(s2v(RA(i)), intop(-, 0, ivalue(value))); done; }
        if (ttisfloat(value)) { setfltvalue(s2v(RA(i)), luai_numunm(L, fltvalue(value))); done; }
        leave;
      }
      case OP_NOT: {
        if (l_isfalse(vRB(i))) { setbtvalue(s2v(RA(i))); } else setbfvalue(s2v(RA(i)));
        done;
      }
      case OP_LEN: {
        const TValue *value = vRB(i);
        if (ttisshrstring(value)) { setivalue(s2v(RA(i)), tsvalue(value)->shrlen); done; }
        if (!ttistable(value) || hvalue(value)->metatable != NULL) leave;
        ci->u.l.savedpc = pc;
        lua_Unsigned length;
        [[clang::noinline]] length = luaH_getn(hvalue(value));
        setivalue(s2v(RA(i)), l_castU2S(length));
        enter(ci);
        done;
      }
      case OP_JMP: pc += GETARG_sJ(i); done;
      case OP_EQ: {
        const TValue *a = s2v(RA(i)), *b = vRB(i);
        if (ttypetag(a) != ttypetag(b)) leave;
        switch (ttypetag(a)) {
          case LUA_VNIL: case LUA_VFALSE: case LUA_VTRUE: jump_if(1);
          case LUA_VNUMINT: jump_if(ivalue(a) == ivalue(b));
          case LUA_VNUMFLT: jump_if(luai_numeq(fltvalue(a), fltvalue(b)));
          case LUA_VSHRSTR: jump_if(eqshrstr(tsvalue(a), tsvalue(b)));
          case LUA_VTABLE: if (hvalue(a) != hvalue(b)) leave; jump_if(1);
          default: leave;
        }
        done;
      }
      case OP_EQK: {
        const TValue *a = s2v(RA(i)), *b = KB(i);
        if (ttypetag(a) != ttypetag(b)) {
          if (ttisnumber(a)) leave;
          jump_if(0);
        }
        switch (ttypetag(a)) {
          case LUA_VNIL: case LUA_VFALSE: case LUA_VTRUE: jump_if(1);
          case LUA_VNUMINT: jump_if(ivalue(a) == ivalue(b));
          case LUA_VSHRSTR: jump_if(eqshrstr(tsvalue(a), tsvalue(b)));
          default: leave;
        }
        done;
      }
      case OP_EQI: {
        const TValue *a = s2v(RA(i));
        if (ttisinteger(a)) jump_if(ivalue(a) == GETARG_sB(i));
        if (ttisfloat(a)) jump_if(luai_numeq(fltvalue(a), cast_num(GETARG_sB(i))));
        jump_if(0);
      }
      case OP_LT: compare(<);
      case OP_LE: compare(<=);
      case OP_LTI: compare_immediate(<);
      case OP_LEI: compare_immediate(<=);
      case OP_GTI: compare_immediate(>);
      case OP_GEI: compare_immediate(>=);
      case OP_TEST: jump_if(!l_isfalse(s2v(RA(i))));
      case OP_TESTSET: {
        const TValue *value = vRB(i);
        if (l_isfalse(value) == GETARG_k(i)) { pc++; done; }
        setobj2s(L, RA(i), value);
        pc += GETARG_sJ(*pc) + 1;
        done;
      }
      case OP_CALL: {
        StkId function = RA(i);
        CallInfo *called = ci->next;
        const Proto *p;
        int missing;
        if (GETARG_B(i) != 0) L->top.p = function + GETARG_B(i);
        ci->u.l.savedpc = pc;
        if (!ttisLclosure(s2v(function))) {
          [[clang::noinline]] luaD_precall(L, function, GETARG_C(i) - 1);
          enter(L->ci);
          done;
        }
        if (called == NULL) leave;
        p = clLvalue(s2v(function))->p;
        if (l_unlikely(L->stack_last.p - L->top.p <= p->maxstacksize)) leave;
        missing = p->numparams + 1 - cast_int(L->top.p - function);
        if (missing > 0) {
          if (missing > 3) leave;
          setnilvalue(s2v(L->top.p));
          if (missing > 1) setnilvalue(s2v(L->top.p + 1));
          if (missing > 2) setnilvalue(s2v(L->top.p + 2));
          L->top.p += missing;
        }
        called->func.p = function;
        called->nresults = cast(short, GETARG_C(i) - 1);
        called->callstatus = 0;
        called->top.p = function + 1 + p->maxstacksize;
        called->u.l.savedpc = p->code;
        L->ci = called;
        enter(called);
        done;
      }
      case OP_RETURN0: {
        if (ci->nresults > 0 || (ci->callstatus & CIST_FRESH)) leave;
        L->top.p = base - 1;
        L->ci = ci->previous;
        enter(ci->previous);
        done;
      }
      case OP_RETURN1: {
        if (ci->nresults > 1 || (ci->callstatus & CIST_FRESH)) leave;
        L->top.p = base - 1;
        if (ci->nresults != 0) {
          setobjs2s(L, base - 1, RA(i));
          L->top.p = base;
        }
        L->ci = ci->previous;
        enter(ci->previous);
        done;
      }
      case OP_RETURN: {
        int count = GETARG_B(i) - 1;
        if (TESTARG_k(i) || GETARG_C(i) != 0 || (ci->callstatus & CIST_FRESH)) leave;
        if (count < 0) count = cast_int(L->top.p - RA(i));
        ci->u.l.savedpc = pc;
        L->top.p = RA(i) + count;
        [[clang::noinline]] luaD_poscall(L, ci, count);
        enter(L->ci);
        done;
      }
      case OP_FORLOOP: {
        StkId ra = RA(i);
        if (ttisinteger(s2v(ra + 2))) {
          lua_Unsigned count = l_castS2U(ivalue(s2v(ra + 1)));
          if (count > 0) {
            lua_Integer index = intop(+, ivalue(s2v(ra)), ivalue(s2v(ra + 2)));
            chgivalue(s2v(ra + 1), count - 1);
            chgivalue(s2v(ra), index);
            setivalue(s2v(ra + 3), index);
            pc -= GETARG_Bx(i);
          }
          done;
        }
        leave;
      }
      case OP_TFORCALL: {
        StkId ra = RA(i);
        setobjs2s(L, ra + 4, ra);
        setobjs2s(L, ra + 5, ra + 1);
        setobjs2s(L, ra + 6, ra + 2);
        L->top.p = ra + 4 + 3;
        ci->u.l.savedpc = pc;
        [[clang::noinline]] luaD_call(L, ra + 4, GETARG_C(i));
        enter(L->ci);
        done;
      }
      case OP_TFORLOOP: {
        StkId ra = RA(i);
        if (!ttisnil(s2v(ra + 4))) {
          setobjs2s(L, ra + 2, ra + 4);
          pc -= GETARG_Bx(i);
        }
        done;
      }
      default: leave;
    }
  }
#undef leave
#undef done
 leave:
  ci->u.l.savedpc = pc - 1;
  return ci;
}

#undef enter
#undef jump_if
#undef compare
#undef compare_immediate
#undef read
#undef write
#undef bits
#undef divide
